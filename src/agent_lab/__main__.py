"""`python -m agent_lab` is `agent-lab`."""

from agent_lab.cli.main import main

if __name__ == "__main__":
    main()
