// Command image makes the container image without a container engine: it lays out the files of an image below a
// directory, and packs them as the last stages of the Dockerfile say into an archive that engines load.
// It runs nothing of the image and refuses every instruction that would have to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("name what to do: root or pack")
	}
	switch args[0] {
	case "root":
		return root(ctx, args[1:])
	case "pack":
		return pack(args[1:])
	default:
		return fmt.Errorf("%q is unknown; it is root or pack", args[0])
	}
}

// root lays the files out that the image consists of, beside the programs that are there already.
func root(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("image root", flag.ContinueOnError)
	out := flags.String("output", "", "the directory, in which usr/bin has the programs")
	docs := flags.String("docs", "", "files for usr/share/doc/ohfp, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("root needs -output")
	}
	return layOut(ctx, *out, split(*docs))
}

// pack builds a stage of a Dockerfile for each platform and writes them as one archive.
func pack(args []string) error {
	flags := flag.NewFlagSet("image pack", flag.ContinueOnError)
	file := flags.String("dockerfile", "deploy/docker/Dockerfile", "the Dockerfile")
	dir := flags.String("context", ".", "where its COPY reads")
	platforms := flags.String("platforms", "", "such as linux/amd64,linux/arm64")
	out := flags.String("output", "", "the archive to write, an OCI layout in a tar file")
	name := flags.String("name", "ohfp:dev", "what engines call the image that they load")
	arguments := map[string]string{}
	flags.Func("arg", "NAME=VALUE of an ARG", func(word string) error {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=VALUE", word)
		}
		arguments[key] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *platforms == "" || *out == "" {
		return errors.New("pack needs -platforms and -output")
	}
	made, err := time.Parse(time.RFC3339, arguments["DATE"])
	if err != nil {
		return fmt.Errorf("-arg DATE is when the image counts as made: %w", err)
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	steps, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	build := builder{Context: *dir, Steps: steps, Arguments: arguments, Made: made.UTC()}
	return build.archive(split(*platforms), *name, *out)
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
