package deploy

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// serviceMonitor is as much of Prometheus Operator's kind as the chart uses.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// httpRoute is as much of the Gateway API's kind as the chart uses.
type httpRoute struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ParentRefs []struct {
			Name        string `json:"name"`
			Namespace   string `json:"namespace"`
			SectionName string `json:"sectionName"`
		} `json:"parentRefs"`
		Hostnames []string `json:"hostnames"`
		Rules     []struct {
			BackendRefs []struct {
				Name string `json:"name"`
				Port int32  `json:"port"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// foreign is an empty object of a kind that is not Kubernetes' own, or nil.
func foreign(kind metav1.TypeMeta) metav1.Object {
	switch kind.APIVersion + " " + kind.Kind {
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return &serviceMonitor{}
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		return &httpRoute{}
	}
	return nil
}
