// A Prometheus server (or VictoriaMetrics, Thanos: the same query API) that already scrapes a cluster: its newest
// samples of everything that canonical series come from, in a few queries one after another. For clusters whose pages
// nobody but Prometheus can reach. It is as old as Prometheus's last scrape, and as blind as its targets: both are
// asked for too.
#pragma once

#include <map>
#include <memory>
#include <span>
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
    std::size_t query_bytes_max = 1'500;         // Of names in one query: many proxies refuse URLs over 8 kB.
    // Prometheus answers with samples of up to five minutes ago; older than this they are not "now".
    Duration age_max{3 * 60'000};
};

class PrometheusCollector : public HttpCollector {
public:
    explicit PrometheusCollector(PrometheusCollectorOptions options);

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override;

private:
    struct Parsed;  // One answer's result.
    void read_batch(const Parsed& parsed);
    void read_age(const Parsed& parsed);
    void read_targets(const Parsed& parsed);

    PrometheusCollectorOptions options_;
    std::vector<HttpAsk> asks_;  // In their order.
    std::size_t next_ = 0, answered_ = 0;
    bool stale_ = false;
    std::map<Labels, double> sums_;
    Observation observation_;
};

// Whose page a series was on, by the labels that scrape configurations usually carry.
[[nodiscard]] PageOwner owner_of_series(const std::string& cluster, const std::set<std::string, std::less<>>& watched,
                                        std::span<const PageLabel> labels);

// The selector with one more matcher: ({a="b"}, name=~"x|y") → {name=~"x|y",a="b"}.
[[nodiscard]] std::string with_matcher(const std::string& selector, const std::string& matcher);

}  // namespace medic
