package main

import (
	"errors"
	"io"

	"github.com/openhostfactory/ohfp/internal/daemon/wire"
)

// read reads the input. What is too long is for ohfp to refuse.
func read(file string) ([]byte, error) {
	from, err := open(file)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	const usual = 128 << 10 // 1,000 hosts; what is not filled costs nothing
	input := make([]byte, 0, usual)
	for {
		n, err := from.Read(input[len(input):cap(input)])
		input = input[:len(input)+n]
		switch {
		case errors.Is(err, io.EOF):
			return input, nil
		case err != nil:
			return nil, err
		case len(input) > wire.MaxInput:
			return nil, errors.New("the input is too long")
		case len(input) == cap(input):
			more := make([]byte, len(input), 4*len(input))
			copy(more, input)
			input = more
		}
	}
}
