#include "agent/backtest/recorded_look.h"

#include <algorithm>
#include <cmath>

#include "agent/collectors/connect/connect.h"
#include "agent/collectors/prometheus/server.h"

namespace medic::backtest {
namespace {

constexpr std::size_t scraped_max = 20'000;  // Pods come and go; beyond it new ones are not known by role.

std::string label(const RecordedSeries& series, std::string_view name) {
    for (const auto& [key, value] : series.labels)
        if (key == name) return value;
    return "";
}

// Whose page shows such a series; "" = anybody's.
std::string role_of(std::string_view name) {
    if (name.starts_with("flink_taskmanager_")) return "taskmanager";
    if (name.starts_with("flink_jobmanager_")) return "jobmanager";
    if (name.starts_with("kafka_connect_")) return "connect-worker";
    if (name.starts_with("kafka_server_") || name.starts_with("kafka_log_")) return "broker";
    return "";
}

}  // namespace

RecordedLook::RecordedLook(const ClusterConfig& config) : config_(config), target_(config.name + "/prometheus") {
    for (const PageConfig& page : config.pages)
        if (!page.node.empty()) node_of_instance_[authority_of(page.url)] = page.node;
}

// The node as medic.yaml calls it, else the pod, else the address that is scraped. A label `node` is the host's on
// Kubernetes, where many share it.
std::string RecordedLook::node_of(const RecordedSeries& series) const {
    const std::string instance = label(series, "instance");
    if (const auto found = node_of_instance_.find(instance); found != node_of_instance_.end()) return found->second;
    for (const char* name : {"node", "pod", "instance"}) {
        const std::string value = label(series, name);
        if (value.empty() || (std::string_view(name) == "node" && config_.node(value) == nullptr)) continue;
        return value;
    }
    return "";
}

void RecordedLook::learn_role(const RecordedSeries& series, WallTime at) {
    const std::string node = node_of(series);
    const NodeConfig* configured = config_.node(node);
    std::string role = configured != nullptr ? configured->role : role_of(series.name);
    if (node.empty() || role.empty()) return;
    if (scraped_.size() >= scraped_max && !scraped_.contains(node)) return;
    Scraped& scraped = scraped_[node];
    scraped.seen = at;
    if (scraped.role.empty()) scraped.role = std::move(role);
    std::vector<PageLabel> labels(series.labels.begin(), series.labels.end());
    const PageOwner owner = owner_of_series(config_.name, {}, labels);
    if (scraped.role == "broker" && !owner.broker.empty()) scraped.broker = owner.broker;
    if (scraped.role == "connect-worker" && !owner.worker.empty()) scraped.worker = owner.worker;
}

void RecordedLook::take(const RecordedSpan& span, SeriesStore& store) {
    span_ = &span;
    mapped_.clear();
    for (auto* list : {&ups_, &counts_, &states_, &managers_}) list->clear();
    for (const RecordedSeries& series : span.series) learn_role(series, span.at(span.steps - 1));
    for (std::size_t i = 0; i < span.series.size(); ++i) {
        note_helper(i, span.series[i]);
        map(i, span.series[i]);
    }
    for (Mapped& one : mapped_) intern(one, store);
    constexpr Duration kept{24 * 3'600'000};
    forget(span.from - kept);
}

void RecordedLook::note_helper(std::size_t index, const RecordedSeries& series) {
    Helper helper{.series = index,
                  .name = series.name,
                  .node = node_of(series),
                  .job = label(series, "job_name"),
                  .job_id = label(series, "job_id"),
                  .taskmanager = label(series, "tm_id")};
    if (series.name == "up") return ups_.push_back(std::move(helper));
    if (series.name == "flink_jobmanager_numRegisteredTaskManagers") return counts_.push_back(std::move(helper));
    if (!helper.taskmanager.empty() && series.name == "flink_taskmanager_Status_JVM_CPU_Load")
        managers_.push_back(helper);
    if (helper.job.empty() || std::ranges::find(helper_series(), series.name) == helper_series().end()) return;
    constexpr std::string_view prefix = "flink_jobmanager_job_";
    std::string state = series.name.substr(prefix.size());
    state.resize(state.size() - (state.ends_with("Time") ? 4 : 5));
    std::ranges::transform(state, state.begin(), [](unsigned char c) { return std::toupper(c); });
    // Deploying is a part of running.
    helper.name = state == "DEPLOYING" ? "RUNNING" : state;
    states_.push_back(std::move(helper));
}

void RecordedLook::map(std::size_t index, const RecordedSeries& series) {
    const CanonicalNames& names = CanonicalNames::built_in();
    std::vector<PageLabel> labels(series.labels.begin(), series.labels.end());
    PageOwner owner = owner_of_series(config_.name, {}, labels);
    if (const std::string node = node_of(series); !node.empty()) {
        owner.node = node;
        if (const auto found = scraped_.find(node); found != scraped_.end()) owner.role = found->second.role;
    }
    const PageSample sample{.series = {}, .name = series.name, .labels = labels, .value = 0};
    auto matches = names.matches(sample, owner);
    for (auto& match : matches)
        mapped_.push_back({.series = index,
                           .labels = std::move(match.labels),
                           .scale = match.scale,
                           .kind = match.sum ? Mapped::Kind::sum : Mapped::Kind::plain,
                           .job = {}});
    if (series.name == "flink_taskmanager_job_task_numRecordsIn") map_subtask(index, series);
    const CanonicalSeries* own = matches.empty() ? names.find(series.name) : nullptr;
    if (own == nullptr) return;
    // Recorded under our own name: it says itself what it is about; only the cluster is given.
    std::vector<LabelPair> pairs;
    for (const std::string& name : own->labels) {
        std::string value = name == "cluster" ? config_.name : label(series, name);
        if (value.empty()) return;
        pairs.emplace_back(name, std::move(value));
    }
    mapped_.push_back({.series = index, .labels = Labels(series.name, std::move(pairs)), .job = {}});
}

void RecordedLook::map_subtask(std::size_t index, const RecordedSeries& series) {
    std::vector<LabelPair> pairs{{"cluster", config_.name}, {"state", "RUNNING"}};
    for (const auto& [ours, theirs] : {std::pair{"job", "job_name"},
                                       {"vertex", "task_name"},
                                       {"subtask", "subtask_index"},
                                       {"taskmanager", "tm_id"}}) {
        std::string value = label(series, theirs);
        if (value.empty()) return;
        pairs.emplace_back(ours, std::move(value));
    }
    mapped_.push_back({.series = index,
                       .labels = Labels("flink_subtask_state", std::move(pairs)),
                       .kind = Mapped::Kind::of_running_job,
                       .job = label(series, "job_name")});
}

void RecordedLook::intern(Mapped& mapped, SeriesStore& store) {
    const auto id = store.intern(mapped.labels);
    mapped.refused = !id;
    if (id) mapped.id = *id;
    if (!id) ++refused_;
}

void RecordedLook::forget(WallTime before) {
    std::erase_if(scraped_, [&](const auto& entry) { return entry.second.seen < before; });
}

}  // namespace medic::backtest
