package cli

import (
	"github.com/spf13/cobra"
)

func addPaging(cmd *cobra.Command, limit, offset *int) {
	cmd.Flags().IntVar(limit, "limit", 0, "at most this many (default: all)")
	cmd.Flags().IntVar(offset, "offset", 0, "leave out this many at the beginning")
}

func checkPaging(limit, offset int) error {
	if limit < 0 {
		return usageErrorf("--limit %d makes no sense; use 1 or more, or 0 for all", limit)
	}
	if offset < 0 {
		return usageErrorf("--offset %d makes no sense; use 0 or more", offset)
	}
	return nil
}
