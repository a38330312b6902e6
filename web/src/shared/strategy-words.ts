// What a strategy does, in the language of the page where it is one that comes with the lab.
import { useTranslations } from "use-intl";

/** The words for a strategy's description; one that somebody wrote is said as it was written. */
export function useStrategyWords(): (strategy: { name: string; description: string } | undefined) => string | undefined {
  const t = useTranslations("strategies");
  return (strategy) => {
    if (strategy === undefined) return undefined;
    const { name, description } = strategy;
    const known = name as "standard";
    return t.has(`${known}.of`) && t(`${known}.of`) === description ? t(`${known}.text`) : description;
  };
}
