"""The dashboard: what each panel of one page says, from one look at the ledgers."""
