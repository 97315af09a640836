//go:build !unix

package main

import "os"

func open(file string) (*os.File, error) { return os.Open(file) }
