"""The backend (port 8000): one prompt in, one result out, and everything else of the lab behind it."""
