package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/storage"
)

func (p *program) authCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "auth",
		Short:   "Who may call over HTTP",
		Example: "  ohfp auth token create ann --role operator",
		GroupID: groupTools,
	})
	token := group(&cobra.Command{
		Use:     "token",
		Short:   "Tokens of callers over HTTP",
		Long:    "A token is what a caller over HTTP sends to be recognised, with the role that says what it may do.",
		Example: "  ohfp auth token list --format table",
	})
	token.AddCommand(p.tokenCreateCommand(), p.tokenListCommand(), p.tokenRevokeCommand())
	cmd.AddCommand(token)
	return cmd
}

// newToken is shown once.
type newToken struct {
	access.Token

	Secret string `json:"token"`
}

func (p *program) tokenCreateCommand() *cobra.Command {
	var role, expires string
	cmd := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Make a token and show it, this once",
		Long: `Makes a token and shows it. It cannot be shown again: only its SHA-256 is kept, in the store, so that every process of
this installation recognises it. The name is what records and events tell of its caller.`,
		Example: `  ohfp auth token create ann --role operator
  ohfp auth token create dashboard --role viewer --expires 90d`,
		Args: one("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parsed, err := access.ParseRole(role)
			if err != nil {
				return usageErrorf("--role %w", err)
			}
			var lasts time.Duration
			if cmd.Flags().Changed("expires") {
				if lasts, err = storage.ParseAge(expires); err != nil {
					return usageErrorf("--expires %q makes no sense; use a positive duration such as 90d or 12h", expires)
				}
			}
			return p.around(cmd.Context(), false, func(a *app.App) error {
				secret, token, err := a.Tokens().Create(cmd.Context(), args[0], parsed, lasts, p.caller())
				if err != nil {
					return err
				}
				return p.show(newToken{Token: token, Secret: secret}, tokenLayout("", output.Column{Key: "token"}))
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", string(access.Viewer), "what its caller may do: viewer, operator or admin")
	cmd.Flags().StringVar(&expires, "expires", "", "how long it is valid: an `AGE` such as 90d or 12h (default: until it is revoked)")
	complete(cmd, "role", string(access.Viewer), string(access.Operator), string(access.Admin))
	return cmd
}

func (p *program) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens that are valid",
		Example: "  ohfp auth token list --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				list, err := a.Tokens().List(cmd.Context())
				if err != nil {
					return err
				}
				return p.show(struct {
					Tokens []access.Token `json:"tokens"`
				}{list}, tokenLayout("tokens"))
			})
		},
	}
}

func (p *program) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Make a token worthless, at once",
		Example: "  ohfp auth token revoke ann",
		Args:    one("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				if err := a.Tokens().Revoke(cmd.Context(), args[0]); err != nil {
					return err
				}
				return p.show(struct {
					Name    string `json:"name"`
					Revoked bool   `json:"revoked"`
				}{args[0], true}, output.Layout{Columns: []output.Column{{Key: "name"}, {Key: "revoked"}}})
			})
		},
	}
}

func tokenLayout(records string, more ...output.Column) output.Layout {
	return output.Layout{Records: records, Empty: "No tokens.", Columns: append([]output.Column{
		{Key: "name"},
		{Key: "role"},
		{Key: "createdAt", Heading: "created"},
		{Key: "createdBy", Heading: "by"},
		{Key: "expiresAt", Heading: "expires"},
	}, more...)}
}
