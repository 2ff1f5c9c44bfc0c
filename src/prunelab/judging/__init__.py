"""What verdicts on claims are made of, whatever the study: effects with intervals, selection apart from measurement."""
