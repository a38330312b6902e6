import { Console } from "@/features/console/console";

export default function Page() {
  return <Console />;
}
