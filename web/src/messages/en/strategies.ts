/** The strategies that come with the lab. `of`: the description that `text` says; a row of one's own may have another. */
const strategies = {
  standard: {
    of: "The weights in the machine's own precision: bfloat16 or float16 on a GPU, float32 or bfloat16 on a CPU.",
    text: "The weights in the machine's own precision: bfloat16 or float16 on a GPU, float32 or bfloat16 on a CPU.",
  },
  optimized: {
    of: "The weights quantised to 4 bit (NF4), on a GPU as on a CPU: about a quarter of the memory.",
    text: "The weights quantised to 4 bit (NF4), on a GPU as on a CPU: about a quarter of the memory.",
  },
  long: {
    of: "The model's whole context window, for one answer at a time.",
    text: "The model's whole context window, for one answer at a time.",
  },
  compiled: {
    of: "The layers compiled with torch: a slow start, for answers that may be faster. Needs a C++ compiler.",
    text: "The layers compiled with torch: a slow start, for answers that may be faster. Needs a C++ compiler.",
  },
  flash: {
    of: "Attention by the package flash-attn on a CUDA GPU: faster for long prompts.",
    text: "Attention by the package flash-attn on a CUDA GPU: faster for long prompts.",
  },
  eager: {
    of: "Attention step by step, without fused kernels: slower, and the reference where results are compared.",
    text: "Attention step by step, without fused kernels: slower, and the reference where results are compared.",
  },
  streaming: {
    of: "For reading along: short answers and an early deadline.",
    text: "For reading along: short answers and an early deadline.",
  },
  greedy: {
    of: "Always the likeliest token: the same question gives the same answer.",
    text: "Always the likeliest token: the same question gives the same answer.",
  },
};

export default strategies;
