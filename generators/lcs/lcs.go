// Package lcs finds what two lists have in common in the same order: a longest common
// subsequence.
package lcs

// maxPairs bounds the comparison of two lists: where they are longer between their
// common ends, all between changes.
const maxPairs = 4 << 20

// Staying returns for each of the m items of a list which of the n items of an earlier
// one it is, in the same order; -1 for a new one. As many stay as can. Same compares
// the item i of the earlier list with j of the later one.
func Staying(n, m int, same func(i, j int) bool) []int {
	stay := make([]int, m)
	for j := range stay {
		stay[j] = -1
	}
	start, end := 0, 0
	for start < min(n, m) && same(start, start) {
		stay[start] = start
		start++
	}
	for end < min(n, m)-start && same(n-1-end, m-1-end) {
		stay[m-1-end] = n - 1 - end
		end++
	}
	subsequence(stay[start:m-end], start, n-end, func(i, j int) bool { return same(i, start+j) })
	return stay
}

// subsequence finds a longest common subsequence of the items from first to end of the
// earlier list and those of stay.
func subsequence(stay []int, first, end int, same func(i, j int) bool) {
	n, m := end-first, len(stay)
	if n == 0 || m == 0 || n*m > maxPairs {
		return
	}
	width := m + 1
	length := make([]int32, (n+1)*width)
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if same(first+i, j) {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case same(first+i, j):
			stay[j] = first + i
			i, j = i+1, j+1
		case length[(i+1)*width+j] >= length[i*width+j+1]:
			i++
		default:
			j++
		}
	}
}
