package setup

import (
	"strings"
)

// around is how many lines that stay are shown beside those that change.
const around = 2

// Diff shows what a change does, line by line: "-" goes, "+" comes.
func (c Change) Diff() string {
	var b strings.Builder
	from := c.Path
	if c.Old == nil {
		from = "/dev/null"
	}
	b.WriteString("--- " + from + "\n+++ " + c.Path + "\n")
	lines := compare(split(c.Old), split(c.New))
	shown := make([]bool, len(lines))
	for i, line := range lines {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
			shown[k] = true
		}
	}
	gap := false
	for i, line := range lines {
		if !shown[i] {
			gap = true
			continue
		}
		if gap {
			b.WriteString("@@\n")
		}
		gap = false
		b.WriteString(line + "\n")
	}
	return b.String()
}

func split(content []byte) []string {
	if len(content) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// compare pairs equal lines by their longest common subsequence. What begins and ends alike is left out of it first:
// files of registration are long and change in one place.
func compare(before, after []string) []string {
	var head, tail []string
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		head, before, after = append(head, " "+before[0]), before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		tail = append([]string{" " + before[len(before)-1]}, tail...)
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	length := make([][]int, len(before)+1)
	for i := range length {
		length[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for k := len(after) - 1; k >= 0; k-- {
			if before[i] == after[k] {
				length[i][k] = length[i+1][k+1] + 1
			} else {
				length[i][k] = max(length[i+1][k], length[i][k+1])
			}
		}
	}
	i, k := 0, 0
	for i < len(before) || k < len(after) {
		switch {
		case i < len(before) && k < len(after) && before[i] == after[k]:
			head, i, k = append(head, " "+before[i]), i+1, k+1
		case i < len(before) && (k == len(after) || length[i+1][k] >= length[i][k+1]):
			head, i = append(head, "-"+before[i]), i+1
		default:
			head, k = append(head, "+"+after[k]), k+1
		}
	}
	return append(head, tail...)
}
