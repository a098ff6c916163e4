#include <algorithm>
#include <utility>

#include "agent/base/redact.h"
#include "agent/collectors/page/page.h"
#include "agent/collectors/prometheus/canonical.h"
#include "agent/discovery/look_once.h"

namespace medic::discovery {
namespace {

// Whose page it is does not matter here: every owner label is filled, so that only the page's own names decide.
PageOwner anyone(const std::string& cluster) {
    return {
        .cluster = cluster, .node = "?", .role = "?", .broker = "?", .worker = "?", .taskmanager = "?", .watched = {}};
}

// Whose page it is, by what its names begin with. A Connect worker's page also has clients' series, a broker's never
// has Connect's: the first that is there decides.
constexpr std::pair<std::string_view, std::string_view> kinds[] = {{"kafka_connect_", "connect-worker"},
                                                                   {"kafka_server_", "kafka-broker"},
                                                                   {"flink_jobmanager_", "flink-jobmanager"},
                                                                   {"flink_taskmanager_", "flink-taskmanager"},
                                                                   {"node_memory_", "host"}};

class Reading : public PageSink {
public:
    Reading(PageLook& look, PageOwner owner) : look_(look), owner_(std::move(owner)) {}

    void on_sample(const PageSample& sample) override {
        ++look_.samples;
        for (std::size_t i = 0; i < std::size(kinds); ++i)
            if (i < best_ && sample.name.starts_with(kinds[i].first)) look_.kind = kinds[best_ = i].second;
        bool used = false;
        for (const auto& match : CanonicalNames::built_in().matches(sample, owner_)) {
            look_.series.emplace(match.labels.name());
            used = true;
        }
        look_.used += used;
        if (sample.timestamp_s)
            look_.newest_timestamp_s = std::max(look_.newest_timestamp_s.value_or(0), *sample.timestamp_s);
        // The catch-all rule and the usual ones show kafka.server:type=app-info,id=N as it is.
        if (look_.broker.empty() && sample.name.starts_with("kafka_server_app_info"))
            for (const auto& [name, value] : sample.labels)
                if (name == "id") look_.broker = value;
    }

private:
    PageLook& look_;
    const PageOwner owner_;
    std::size_t best_ = std::size(kinds);
};

}  // namespace

PageLook read_page(const PageConfig& page, const Got& got, const std::string& cluster) {
    PageLook look{.config = page, .took = got.took, .error = {}, .broker = {}, .kind = {}};
    if (!got.answer || got.answer->status != 200) {
        look.error =
            got.answer ? "HTTP status " + std::to_string(got.answer->status) : redact(got.answer.error().message);
        return look;
    }
    look.bytes = got.answer->body.size();
    Reading reading(look, anyone(cluster));
    PageParser parser({.format = page_format(got.answer->content_type)});
    const PageSummary summary = parser.parse(got.answer->body, reading);
    if (summary.samples == 0)
        look.error =
            "no page of metrics" + (summary.first_problem ? ": " + summary.first_problem->text() : std::string());
    return look;
}

}  // namespace medic::discovery
