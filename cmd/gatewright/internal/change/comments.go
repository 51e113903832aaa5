package change

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/generators/artefact"
)

// aboutOf is what comments are about: a rule of a file, a route, a site.
type aboutOf struct{ file, about string }

// addComments adds where comments say something else. Those of a rule that came or went
// are left out if the report tells them beside its flows, and those of what got another
// name alone, too.
func (r *Diff) addComments(old, new []artefact.Comment) {
	before, after := commentsBy(old), commentsBy(new)
	told := r.labels()
	came, went := only(after, before), only(before, after)
	all := maps.Clone(before)
	maps.Copy(all, after)
	order := func(a, b aboutOf) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.about, b.about)) }
	for _, of := range slices.SortedFunc(maps.Keys(all), order) {
		was, is := commentTexts(before[of]), commentTexts(after[of])
		isTold := func(text string) bool { return told[text] }
		switch {
		case slices.Equal(was, is):
		case (was == nil || is == nil) && strings.HasPrefix(of.about, artefact.TitleOf):
		case was == nil && (slices.ContainsFunc(is, isTold) || went[textsIn(of.file, is)]):
		case is == nil && (slices.ContainsFunc(was, isTold) || came[textsIn(of.file, was)]):
		default:
			r.addComment(fmt.Sprintf("%s:%d", of.file, firstChange(before[of], after[of])), besides(was, is), besides(is, was))
		}
	}
}

// only returns what the comments say together that one side alone has about something.
func only(one, other map[aboutOf][]artefact.Comment) map[string]bool {
	all := map[string]bool{}
	for of, list := range one {
		if other[of] == nil {
			all[textsIn(of.file, commentTexts(list))] = true
		}
	}
	return all
}

func textsIn(file string, texts []string) string { return file + "\n" + strings.Join(texts, "\n") }

func commentsBy(list []artefact.Comment) map[aboutOf][]artefact.Comment {
	by := map[aboutOf][]artefact.Comment{}
	for _, c := range list {
		of := aboutOf{c.File, c.About}
		by[of] = append(by[of], c)
	}
	return by
}

func commentTexts(list []artefact.Comment) (texts []string) {
	for _, c := range list {
		texts = append(texts, c.Text)
	}
	return texts
}

// firstChange is the line of the first comment that the other list does not have in its
// place, among the new lines if they have one.
func firstChange(old, new []artefact.Comment) int {
	same := 0
	for same < min(len(old), len(new)) && old[same].Text == new[same].Text {
		same++
	}
	if same < len(new) {
		return new[same].Line
	}
	return old[same].Line
}

// labels are the comments of flows that were added or removed.
func (r *Diff) labels() map[string]bool {
	all := map[string]bool{}
	for _, one := range slices.Concat(r.Added, r.Removed) {
		for _, e := range one.Entries {
			all[e.ID] = true
		}
	}
	return all
}

// addComment adds a change, or the place of one that other places have alike.
func (r *Diff) addComment(place string, old, new []string) {
	key := textsIn(strings.Join(old, "\n")+"\x00", new)
	if i, known := r.commentAt[key]; known {
		r.Comments[i].Places = append(r.Comments[i].Places, place)
		return
	}
	if r.commentAt == nil {
		r.commentAt = map[string]int{}
	}
	r.commentAt[key] = len(r.Comments)
	r.Comments = append(r.Comments, Comment{[]string{place}, old, new})
}
