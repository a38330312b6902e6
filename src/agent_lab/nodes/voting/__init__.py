"""Voting as pure functions: what an answer says, who has won, and when more votes are not worth it."""
