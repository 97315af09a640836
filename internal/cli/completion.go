package cli

import (
	"github.com/spf13/cobra"
)

func (p *program) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands and flags in a shell",
		Long: `Prints a script that lets the TAB key complete ohfp's commands, flags and values.

  bash        needs the package bash-completion
  zsh         put the script on your fpath under the name _ohfp
  fish        put it into ~/.config/fish/completions/ohfp.fish
  powershell  run it in your profile`,
		Example: `  source <(ohfp completion bash)
  ohfp completion zsh > "${fpath[1]}/_ohfp"
  ohfp completion fish > ~/.config/fish/completions/ohfp.fish
  ohfp completion powershell | Out-String | Invoke-Expression`,
		GroupID:               groupTools,
		ValidArgs:             []string{"bash", "zsh", "fish", "powershell"},
		DisableFlagsInUseLine: true,
		Args:                  one("name of a shell"),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(p.out, true)
		case "zsh":
			return root.GenZshCompletion(p.out)
		case "fish":
			return root.GenFishCompletion(p.out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(p.out)
		default:
			return usageErrorf("shell %q is not supported; use bash, zsh, fish or powershell", args[0])
		}
	}
	return cmd
}
