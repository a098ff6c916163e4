// A Prometheus server that already scrapes a cluster: its newest samples of everything that canonical series come from,
// in one query. For clusters whose pages nobody but Prometheus can reach. It is as old as Prometheus's last scrape, and
// as blind as its targets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/collectors/look.h"
#include "agent/collectors/prometheus/canonical.h"

namespace medic {

struct PrometheusCollectorOptions {
    std::string cluster;
    std::string url;                             // Without a slash at the end.
    std::string match;                           // Selector of the cluster's series: {cluster="x"}; "{}" for all.
    std::string target;                          // "lab/prometheus"
    std::set<std::string, std::less<>> watched;  // As PageOwner's.
};

class PrometheusCollector : public HttpCollector {
public:
    explicit PrometheusCollector(PrometheusCollectorOptions options);

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override { return std::move(observation_); }

private:
    PrometheusCollectorOptions options_;
    std::string query_url_;
    Observation observation_;
};

// The selector with one more matcher: ({a="b"}, name=~"x|y") → {name=~"x|y",a="b"}.
[[nodiscard]] std::string with_matcher(const std::string& selector, const std::string& matcher);

}  // namespace medic
