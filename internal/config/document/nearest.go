package document

import "unicode/utf8"

// Nearest returns the candidate that whoever wrote word probably meant, and "" when none is near.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", max(2, utf8.RuneCountInString(word)/3)+1
	for _, candidate := range candidates {
		if d := distance([]rune(word), []rune(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the letters to add, drop or change to get from a to b (Levenshtein); case does not count.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if fold(a[i]) != fold(b[j]) {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// fold maps what people confuse most onto each other: capitals, and - with _.
func fold(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r == '-':
		return '_'
	default:
		return r
	}
}
