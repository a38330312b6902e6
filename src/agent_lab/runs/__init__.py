"""Runs: started, walked node by node, recorded as events, followed live, taken up again where they stopped."""
