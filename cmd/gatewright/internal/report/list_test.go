package report

import "testing"

func TestCompareRows(t *testing.T) {
	rows := []string{"", "1", "2", "9", "9a", "9b", "10", "11a", "100"}
	for i, a := range rows {
		for j, b := range rows {
			if got := compareRows(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("compareRows(%q, %q) = %d", a, b, got)
			}
		}
	}
}
