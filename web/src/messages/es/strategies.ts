import type en from "../en/strategies";

const strategies: typeof en = {
  standard: {
    of: "The weights in the machine's own precision: bfloat16 or float16 on a GPU, float32 or bfloat16 on a CPU.",
    text: "Los pesos en la precisión propia de la máquina: bfloat16 o float16 en una GPU, float32 o bfloat16 en una CPU.",
  },
  optimized: {
    of: "The weights quantised to 4 bit (NF4), on a GPU as on a CPU: about a quarter of the memory.",
    text: "Los pesos cuantizados a 4 bits (NF4), en GPU o en CPU: alrededor de un cuarto de la memoria.",
  },
  long: {
    of: "The model's whole context window, for one answer at a time.",
    text: "Toda la ventana de contexto del modelo, para una sola respuesta a la vez.",
  },
  compiled: {
    of: "The layers compiled with torch: a slow start, for answers that may be faster. Needs a C++ compiler.",
    text: "Las capas compiladas con torch: arranca despacio y puede responder más rápido. Necesita un compilador de C++.",
  },
  flash: {
    of: "Attention by the package flash-attn on a CUDA GPU: faster for long prompts.",
    text: "Atención con el paquete flash-attn en una GPU CUDA: más rápida con prompts largos.",
  },
  eager: {
    of: "Attention step by step, without fused kernels: slower, and the reference where results are compared.",
    text: "Atención paso a paso, sin operaciones fusionadas: más lenta, y la referencia cuando se comparan resultados.",
  },
  streaming: {
    of: "For reading along: short answers and an early deadline.",
    text: "Para leer mientras se escribe: respuestas cortas y un plazo breve.",
  },
  greedy: {
    of: "Always the likeliest token: the same question gives the same answer.",
    text: "Siempre el token más probable: la misma pregunta da la misma respuesta.",
  },
};

export default strategies;
