// deploy/kubernetes.yaml decodes strictly into the types of k8s.io/api, and its numbers go with those of the binary.
package deploy

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

type manifests struct {
	config     corev1.ConfigMap
	deployment appsv1.Deployment
	service    corev1.Service
	budget     policyv1.PodDisruptionBudget
}

func read(t *testing.T) manifests {
	t.Helper()
	text, err := os.ReadFile("../../deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all manifests
	into := map[metav1.TypeMeta]interface{}{
		{APIVersion: "v1", Kind: "ConfigMap"}:                  &all.config,
		{APIVersion: "apps/v1", Kind: "Deployment"}:            &all.deployment,
		{APIVersion: "v1", Kind: "Service"}:                    &all.service,
		{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}: &all.budget,
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		object, known := into[kind]
		if !known {
			t.Fatalf("%v is not known, or is there twice", kind)
		}
		delete(into, kind)
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
	}
	if len(into) > 0 {
		t.Errorf("missing: %v", into)
	}
	return all
}

func TestSelectorsMeetThePods(t *testing.T) {
	all := read(t)
	labels := all.deployment.Spec.Template.Labels
	for _, selector := range []map[string]string{
		all.deployment.Spec.Selector.MatchLabels, all.service.Spec.Selector, all.budget.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 {
			t.Error("a selector is empty")
		}
		for name, value := range selector {
			if labels[name] != value {
				t.Errorf("no pod has %s=%s", name, value)
			}
		}
	}
}

func TestProbesAndServiceNameListedPorts(t *testing.T) {
	all := read(t)
	container := all.deployment.Spec.Template.Spec.Containers[0]
	ports := map[string]int32{}
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	config := all.config.Data["tailgate.toml"]
	for name, setting := range map[string]string{"http": "listen", "admin": "admin"} {
		line := regexp.MustCompile(`(?m)^` + setting + ` = .*:(\d+)"`).FindStringSubmatch(config)
		if line == nil || line[1] != strconv.Itoa(int(ports[name])) {
			t.Errorf("port %s is %d, %s says %v", name, ports[name], setting, line)
		}
	}
	for path, probe := range map[string]*corev1.Probe{
		"/livez": container.LivenessProbe, "/readyz": container.ReadinessProbe,
	} {
		if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "admin" {
			t.Errorf("no probe of %s on the admin port", path)
		}
	}
	if all.service.Spec.Ports[0].TargetPort.StrVal != "http" {
		t.Error("the service does not lead to http")
	}
}

func TestPodsMayDrainToTheEnd(t *testing.T) {
	spec := read(t).deployment.Spec.Template.Spec
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var drain time.Duration
	for _, setting := range []string{"drain_delay", "drain"} {
		row := regexp.MustCompile("(?m)^\\| `" + setting + "` \\| [^|]* \\| (\\d+m?s) \\|").FindStringSubmatch(string(text))
		if row == nil {
			t.Fatalf("docs/configuration.md has no default for %s", setting)
		}
		duration, err := time.ParseDuration(row[1])
		if err != nil {
			t.Fatal(err)
		}
		drain += duration
	}
	grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	if grace < drain+5*time.Second {
		t.Errorf("grace %v, drain %v", grace, drain)
	}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		t.Error("service links would set variables that read like settings")
	}
}

func TestNothingRunsAsRoot(t *testing.T) {
	spec := read(t).deployment.Spec.Template.Spec
	if spec.SecurityContext == nil || spec.SecurityContext.RunAsNonRoot == nil || !*spec.SecurityContext.RunAsNonRoot {
		t.Error("pods may run as root")
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	user := "USER " + strconv.FormatInt(*spec.SecurityContext.RunAsUser, 10)
	if !strings.Contains(string(dockerfile), user) {
		t.Errorf("the image has no %q", user)
	}
}
