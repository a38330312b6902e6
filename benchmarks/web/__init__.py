"""How heavy and how smooth the web app is, in a real Chromium before a real server, and what Lighthouse says."""
