"""Takes check-ins in, keeps the ledger, gives hour records out."""
