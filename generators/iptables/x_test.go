package iptables
import ("testing";"os";"strings")
func TestDumpX(t *testing.T) {
	for _, e := range examples(t) {
		out, err := generate(t, e.in, e.settings)
		if err != nil { t.Errorf("%s: %v", e.name, err); continue }
		for _, a := range out.Artefacts {
			os.WriteFile("/tmp/gw/ipt/"+e.name+strings.TrimPrefix(a.Name,"gatewright"), a.Data, 0o644)
		}
		files := map[string][]byte{}
		for _, a := range out.Artefacts { files[a.Name]=a.Data }
		if _, err := (Generator{}).Read(files); err != nil { t.Errorf("%s: %v", e.name, err) }
	}
}
