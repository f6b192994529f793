"""The indicators that the board reads beside the money (R36)."""
