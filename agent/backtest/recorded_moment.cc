// One moment of a span, from its numbers to what is known.
#include <cmath>
#include <optional>

#include "agent/backtest/recorded_look.h"

namespace medic::backtest {

struct RecordedLook::Moment {
    WallTime at;
    std::map<std::string, double> up;  // By node; 1 where any of its scrapes succeeded.
    std::map<SeriesId, double> values;
    std::map<std::string, std::pair<std::string, std::string>> jobs;  // Name → state, id.
    RecordedSight sight;
};

namespace {

std::optional<double> value_at(const RecordedSpan& span, std::size_t series, std::size_t step) {
    const double value = span.series[series].values[step];
    if (std::isnan(value)) return std::nullopt;
    return value;
}

}  // namespace

void RecordedLook::tell(Moment& moment, SeriesStore& store, std::string_view name, std::vector<LabelPair> labels,
                        double value) {
    std::string role;
    for (const auto& [key, text] : labels)
        if (key == "role") role = text;
    if (const auto id = store.intern(Labels(name, std::move(labels)))) {
        moment.values.try_emplace(*id, value);
        told_.emplace(name);
        if (!role.empty()) told_.insert(std::string(name) + "@" + role);
    } else {
        ++refused_;
    }
}

void RecordedLook::look_at_scrapes(Moment& moment, std::size_t step) {
    for (const Helper& one : ups_) {
        const auto value = value_at(*span_, one.series, step);
        if (!value || one.node.empty()) continue;
        moment.sight.any = true;
        const auto known = scraped_.find(one.node);
        if (known == scraped_.end()) continue;  // Not of a broker, worker or manager.
        known->second.seen = moment.at;
        double& up = moment.up[one.node];
        up = std::max(up, *value);
    }
    moment.sight.scraped = moment.up.size();
    for (const auto& [node, up] : moment.up)
        if (up == 0) moment.sight.blind.push_back(config_.name + "/" + node);
    for (const Helper& one : managers_)
        if (value_at(*span_, one.series, step))
            if (const auto known = scraped_.find(one.node); known != scraped_.end())
                known->second.taskmanager = one.taskmanager;
}

void RecordedLook::tell_scrapes(Moment& moment, SeriesStore& store) {
    std::optional<double> job_manager;
    for (const auto& [node, up] : moment.up) {
        const Scraped& scraped = scraped_.at(node);
        tell(moment, store, "process_up", {{"cluster", config_.name}, {"node", node}, {"role", scraped.role}}, up);
        if (scraped.role == "jobmanager") job_manager = std::max(job_manager.value_or(0), up);
        if (!scraped.broker.empty())
            tell(moment, store, "kafka_broker_reachable", {{"cluster", config_.name}, {"broker", scraped.broker}}, up);
        if (!scraped.worker.empty())
            tell(moment, store, "connect_worker_reachable", {{"cluster", config_.name}, {"worker", scraped.worker}},
                 up);
    }
    if (job_manager) tell(moment, store, "flink_jobmanager_reachable", {{"cluster", config_.name}}, *job_manager);
}

void RecordedLook::tell_taskmanagers(Moment& moment, SeriesStore& store, std::size_t step) {
    std::optional<double> counted;
    for (const Helper& one : counts_)
        if (const auto value = value_at(*span_, one.series, step)) counted = std::max(counted.value_or(0), *value);
    if (!counted) return;
    double alive = 0;
    for (const auto& [node, up] : moment.up)
        if (up == 1 && scraped_.at(node).role == "taskmanager") ++alive;
    for (const auto& [node, up] : moment.up) {
        const Scraped& scraped = scraped_.at(node);
        if (scraped.role != "taskmanager" || scraped.taskmanager.empty()) continue;
        // Which of them it counts is not told: only where all of the living are in, the dead are out.
        if (up == 1 && *counted < alive) continue;
        if (up == 0 && *counted > alive) continue;
        tell(moment, store, "flink_taskmanager_registered",
             {{"cluster", config_.name}, {"taskmanager", scraped.taskmanager}}, up == 1 ? 1 : 0);
    }
}

void RecordedLook::look_at_jobs(Moment& moment, std::size_t step) {
    for (const Helper& one : states_) {
        const auto value = value_at(*span_, one.series, step);
        if (!value || *value <= 0) continue;
        auto& [state, id] = moment.jobs[one.job];
        if (state != "RUNNING") state = one.name;
        id = one.job_id;
    }
}

void RecordedLook::tell_mapped(Moment& moment, SeriesStore& store, std::size_t step) {
    for (Mapped& one : mapped_) {
        const auto value = value_at(*span_, one.series, step);
        if (!value) continue;
        moment.sight.any = true;
        if (!one.refused && !store.contains(one.id)) intern(one, store);
        if (one.refused) continue;
        told_.emplace(one.labels.name());
        if (one.kind == Mapped::Kind::of_running_job) {
            const auto job = moment.jobs.find(one.job);
            if (job == moment.jobs.end() || job->second.first != "RUNNING") continue;
            moment.values[one.id] = 1;
            continue;
        }
        if (const auto role = one.labels.get("role"); !role.empty())
            told_.insert(std::string(one.labels.name()) + "@" + std::string(role));
        double& sum = moment.values[one.id];
        sum = one.kind == Mapped::Kind::sum ? sum + *value * one.scale : *value * one.scale;
    }
}

void RecordedLook::tell_topology(Moment& moment, Knowledge& knowledge) {
    Observation seen;
    seen.target = target_ + "/topology";
    seen.at = moment.at;
    const auto node = [&](const std::string& name, const std::string& role, bool spare) {
        seen.attributes[{config_.name, "node", name}] = {{"role", role}, {"spare", spare ? "true" : "false"}};
    };
    for (const NodeConfig& one : config_.nodes) node(one.name, one.role, one.spare);
    for (const auto& [name, up] : moment.up) {
        const Scraped& scraped = scraped_.at(name);
        if (config_.node(name) == nullptr) node(name, scraped.role, false);
        for (const auto& [kind, who] :
             {std::pair{"taskmanager", scraped.taskmanager}, {"broker", scraped.broker}, {"worker", scraped.worker}})
            if (!who.empty())
                seen.relations.push_back({{config_.name, kind, who}, "hosted-by", {config_.name, "node", name}});
    }
    for (const auto& [job, state] : moment.jobs)
        if (!state.second.empty()) seen.attributes[{config_.name, "job", job}]["id"] = state.second;
    knowledge.apply(std::move(seen));
}

RecordedSight RecordedLook::apply(std::size_t step, Knowledge& knowledge) {
    SeriesStore& store = knowledge.series();
    Moment moment;
    moment.at = span_->at(step);
    look_at_scrapes(moment, step);
    look_at_jobs(moment, step);
    tell_mapped(moment, store, step);
    tell_scrapes(moment, store);
    tell_taskmanagers(moment, store, step);
    for (const auto& [job, state] : moment.jobs)
        for (const char* name : {"RUNNING", "RESTARTING", "FAILING", "CANCELLING", "INITIALIZING", "CREATED"})
            tell(moment, store, "flink_job_state", {{"cluster", config_.name}, {"job", job}, {"state", name}},
                 state.first == name ? 1 : 0);
    if (!moment.sight.any) return std::move(moment.sight);
    ScrapeBatch batch{
        .target = target_, .at = moment.at, .outcome = ScrapeOutcome::complete, .error = {}, .samples = {}};
    batch.samples.assign(moment.values.begin(), moment.values.end());
    knowledge.apply(config_.name, std::move(batch));
    tell_topology(moment, knowledge);
    return std::move(moment.sight);
}

}  // namespace medic::backtest
