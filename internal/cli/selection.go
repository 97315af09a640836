package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
)

// addSelection lets every command that lists be filtered and paged, whatever it lists.
func (p *program) addSelection(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		p.addSelection(sub)
	}
	if !lists(cmd) {
		return
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&p.global.Where, "filter", nil,
		"only records of which this holds: `FIELD=VALUE`, FIELD~PART or FIELD=~REGEX (several: all must hold)")
	flags.IntVar(&p.global.Limit, "limit", 0, "at most this many (default: all)")
	flags.IntVar(&p.global.Offset, "offset", 0, "leave out this many at the beginning")
}

func lists(cmd *cobra.Command) bool { return cmd.Name() == "list" || cmd.Name() == "list-returns" }

// checkSelection finds mistakes before anything is asked or done.
func (p *program) checkSelection() error {
	if p.global.Limit < 0 {
		return usageErrorf("--limit %d makes no sense; use 1 or more, or 0 for all", p.global.Limit)
	}
	if p.global.Offset < 0 {
		return usageErrorf("--offset %d makes no sense; use 0 or more", p.global.Offset)
	}
	for _, field := range p.global.Fields {
		if slices.Contains(strings.Split(field, "."), "") {
			return usageErrorf("field %q has an empty part; write names joined by dots, such as machines.name", field)
		}
	}
	_, err := p.conditions()
	return err
}

func (p *program) conditions() ([]output.Condition, error) {
	var where []output.Condition
	for _, text := range p.global.Where {
		condition, err := output.ParseCondition(text)
		if err != nil {
			return nil, usageError{err}
		}
		where = append(where, condition)
	}
	return where, nil
}

// page is what the store may leave out, so that it is not read. With a filter the store cannot page, since what is
// filtered out does not count.
func (p *program) page() (limit, offset int) {
	if len(p.global.Where) > 0 {
		return 0, 0
	}
	limit, offset = p.global.Limit, p.global.Offset
	p.global.Limit, p.global.Offset = 0, 0
	return limit, offset
}

// selection is how the command line and the configuration want the answer.
func (p *program) selection() (output.Selection, error) {
	where, err := p.conditions()
	fields := p.global.Fields
	if len(fields) == 0 {
		fields = p.settings.Fields[p.noun]
	}
	return output.Selection{
		Where: where, Limit: p.global.Limit, Offset: p.global.Offset, Fields: fields, Snake: p.scheduler() == config.SchedulerDefault,
	}, err
}

// scheduler is the dialect of answers: the one of the command line, else that of the configuration.
func (p *program) scheduler() string {
	switch {
	case p.global.Legacy:
		return config.SchedulerHostFactory
	case p.global.Scheduler != "":
		return p.global.Scheduler
	default:
		return p.settings.Scheduler
	}
}

// checkGlobal finds mistakes in flags of every command.
func (p *program) checkGlobal(cmd *cobra.Command) error {
	if _, err := output.ParseFormat(p.global.Format); err != nil {
		return usageErrorf("%w%s", err, suggestion(p.global.Format, formatNames(), ""))
	}
	levels := logLevels()
	if level := p.global.LogLevel; level != "" && !slices.Contains(levels, strings.ToUpper(level)) {
		return usageErrorf("log level %q does not exist%s; use one of %s", level, suggestion(strings.ToUpper(level), levels, ""), strings.Join(levels, ", "))
	}
	schedulers := config.Schedulers()
	switch name := p.global.Scheduler; {
	case name == "":
	case !slices.Contains(schedulers, name):
		return usageErrorf("scheduler %q does not exist%s; use one of %s", name, suggestion(name, schedulers, ""), strings.Join(schedulers, ", "))
	case p.global.Legacy && name == config.SchedulerDefault:
		return usageErrorf("--legacy means --scheduler hostfactory; pass either")
	}
	if p.global.Quiet && p.global.Verbose {
		return usageErrorf("--quiet and --verbose contradict each other; pass either")
	}
	if p.global.Verbose && p.global.LogLevel == "" {
		p.global.LogLevel = "INFO"
	}
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	p.noun, _, _ = strings.Cut(words, " ")
	return p.checkSelection()
}

func logLevels() []string { return []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} }

func formatNames() []string {
	var names []string
	for _, format := range output.Formats() {
		names = append(names, string(format))
	}
	return names
}
