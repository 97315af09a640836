// Command helm renders and packs the Helm chart through Helm's own library, without what Helm needs to talk to clusters.
// It refuses what Helm refuses: values that the chart's schema does not know, and charts that are not complete.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "helm:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("name what to do: template or package")
	}
	flags := flag.NewFlagSet("helm "+args[0], flag.ContinueOnError)
	values := flags.String("values", "", "a file of values")
	namespace := flags.String("namespace", "default", "the namespace of the release")
	version := flags.String("version", "", "the version of the chart and of the program")
	destination := flags.String("destination", ".", "the directory of the packed chart")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name the chart's directory")
	}
	c, err := loader.Load(flags.Arg(0))
	if err != nil {
		return err
	}
	if *version != "" {
		c.Metadata.Version, c.Metadata.AppVersion = strings.TrimPrefix(*version, "v"), strings.TrimPrefix(*version, "v")
	}
	if err := c.Validate(); err != nil {
		return err
	}
	switch args[0] {
	case "template":
		return template(c, *values, *namespace, out)
	case "package":
		name, err := chartutil.Save(c, *destination)
		if err == nil {
			fmt.Fprintln(out, name)
		}
		return err
	default:
		return fmt.Errorf("%q is unknown; it is template or package", args[0])
	}
}

// template writes the objects of a release named ohfp, in the order in which they are made.
func template(c *chart.Chart, file, namespace string, out io.Writer) error {
	values := chartutil.Values{}
	if file != "" {
		var err error
		if values, err = chartutil.ReadValuesFile(file); err != nil {
			return err
		}
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "ohfp", Namespace: namespace, Revision: 1, IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return err
	}
	rendered, err := engine.Engine{Strict: true}.Render(c, all)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		text := strings.TrimSpace(rendered[name])
		if path.Ext(name) != ".yaml" || text == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "---\n%s\n", text); err != nil {
			return err
		}
	}
	return nil
}
