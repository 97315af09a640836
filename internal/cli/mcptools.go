package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/mcpserver"
	"github.com/openhostfactory/ohfp/internal/output"
)

func (p *program) mcpToolsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "tools",
		Short: "The tools that assistants have",
		Long:  "Lists and describes the tools that assistants have, and uses one from the command line.",
		Example: `  ohfp mcp tools list --format table
  ohfp mcp tools call get_request_status --args '{"all": true}'`,
	})
	cmd.AddCommand(p.mcpToolsListCommand(), p.mcpToolsInfoCommand(), p.mcpToolsCallCommand())
	return cmd
}

type toolList struct {
	Tools []mcpserver.Info `json:"tools"`
}

func (p *program) mcpToolsListCommand() *cobra.Command {
	kind := ""
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tools",
		Long:  "Lists the tools with the least role that may use each. Its input and output are told by ohfp mcp tools info.",
		Example: `  ohfp mcp tools list --format table
  ohfp mcp tools list --type query`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if kind != "" && kind != mcpserver.KindCommand && kind != mcpserver.KindQuery {
				return usageErrorf("--type %q makes no sense; use %s or %s", kind, mcpserver.KindCommand, mcpserver.KindQuery)
			}
			infos, err := mcpserver.Tools()
			if err != nil {
				return err
			}
			list := toolList{Tools: []mcpserver.Info{}}
			for _, info := range infos {
				if kind == "" || info.Kind == kind {
					info.InputSchema, info.OutputSchema = nil, nil
					list.Tools = append(list.Tools, info)
				}
			}
			return p.show(list, output.Layout{Records: "tools", Columns: toolColumns()})
		},
	}
	cmd.Flags().StringVar(&kind, "type", "", "only tools of this `KIND`: query, or command for those that change something")
	complete(cmd, "type", mcpserver.KindCommand, mcpserver.KindQuery)
	return cmd
}

func toolColumns() []output.Column {
	return []output.Column{{Key: "name", Heading: "tool"}, {Key: "type"}, {Key: "role"}, {Key: "effect"}, {Key: "title"}}
}

func (p *program) mcpToolsInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "info NAME",
		Short:   "Describe a tool, its input and its output",
		Example: "  ohfp mcp tools info request_machines",
		Args:    one("tool"),
		RunE: func(_ *cobra.Command, args []string) error {
			infos, err := mcpserver.Tools()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(infos, func(info mcpserver.Info) bool { return info.Name == args[0] })
			if i < 0 {
				return ohfp.Errorf(ohfp.ErrNotFound, "tool %s does not exist; see ohfp mcp tools list", args[0])
			}
			return p.show(infos[i], output.Layout{Columns: toolColumns()})
		},
	}
}

// toolCall is what mcp tools call was asked.
type toolCall struct {
	Name     string
	Args     string
	File     string
	Sure     bool
	ReadOnly bool
}

func (p *program) mcpToolsCallCommand() *cobra.Command {
	var in toolCall
	cmd := &cobra.Command{
		Use:   "call NAME",
		Short: "Use a tool as an assistant would",
		Long: `Uses a tool as an assistant would, and prints its structured answer. A tool that ends or removes something prints its
plan and does nothing, unless --yes is given.`,
		Example: `  ohfp mcp tools call list_templates
  ohfp mcp tools call request_machines --args '{"template_id": "EC2FleetInstant", "count": 3}'
  ohfp mcp tools call return_machines --file machines.json --yes`,
		Args: one("tool"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name = args[0]
			arguments, err := p.toolArguments(cmd, in)
			if err != nil {
				return err
			}
			return p.assistants(cmd.Context(), in.ReadOnly, func(_ *app.App, f *mcpserver.Face, caller access.Caller) error {
				return p.callTool(cmd.Context(), f, caller, in, arguments)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&in.Args, "args", "", "its arguments, a `JSON` object")
	flags.StringVar(&in.File, "file", "", "a `FILE` with them; - is standard input")
	flags.BoolVar(&in.Sure, "yes", false, "confirm the plan of a tool that ends or removes something")
	flags.BoolVar(&in.ReadOnly, "read-only", false, "refuse tools that change something")
	return cmd
}

func (p *program) toolArguments(cmd *cobra.Command, in toolCall) (map[string]any, error) {
	text := []byte(in.Args)
	switch {
	case cmd.Flags().Changed("args") && in.File != "":
		return nil, usageErrorf("pass either --args or --file, not both")
	case in.File == "-":
		read, err := readInput(p.in, "standard input")
		if err != nil {
			return nil, err
		}
		text = read
	case in.File != "":
		file, err := os.Open(in.File)
		if err != nil {
			return nil, fmt.Errorf("read the arguments: %w", err)
		}
		defer file.Close()
		if text, err = readInput(file, "file "+in.File); err != nil {
			return nil, err
		}
	}
	arguments := map[string]any{}
	if len(bytes.TrimSpace(text)) == 0 {
		return arguments, nil
	}
	if err := json.Unmarshal(text, &arguments); err != nil {
		return nil, usageErrorf("the arguments are no JSON object: %w", err)
	}
	return arguments, nil
}

func (p *program) callTool(ctx context.Context, f *mcpserver.Face, caller access.Caller, in toolCall, arguments map[string]any) error {
	answer, err := f.Call(ctx, caller, in.Name, arguments)
	if err == nil && answer.Waits != "" && in.Sure {
		arguments["confirm"] = answer.Waits
		answer, err = f.Call(ctx, caller, in.Name, arguments)
	}
	if err != nil {
		return err
	}
	for _, note := range answer.Notes {
		p.note("%s", note)
	}
	if answer.Waits != "" {
		p.note("nothing was done; pass --yes to do it")
	}
	return p.show(answer.Content, output.Layout{})
}
