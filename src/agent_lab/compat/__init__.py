"""The front door for everyone's tools: OpenAI's and Anthropic's protocols over the gateway, every flow as a model."""
