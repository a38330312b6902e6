"""What the front door costs beside a bare pass-through, raw SDKs and LiteLLM: `make bench-gateway`."""
