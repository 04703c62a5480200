"""Read views: what slices declare of a member's rows becomes SQL that answers JSON text, shared by many requests."""
