#include "agent/daemon/knowledge.h"

#include <algorithm>

#include "agent/collectors/connect/connect.h"
#include "agent/daemon/unread_log.h"
#include "agent/store/connect_words.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

// Series that say whether somebody answered: they must be kept when the look as a whole has failed.
bool of_reachability(std::string_view name) { return name.ends_with("_reachable"); }

ScrapeBatch intern(SeriesStore& store, const Observation& observation, const std::string& target, bool reachability) {
    ScrapeBatch batch{.target = target,
                      .at = observation.at,
                      .outcome = observation.outcome,
                      .error = observation.error,
                      .samples = {}};
    batch.samples.reserve(observation.samples.size());
    std::size_t refused = 0;
    for (const auto& [labels, value] : observation.samples) {
        if (of_reachability(labels.name()) != reachability) continue;
        if (const auto id = store.intern(labels))
            batch.samples.emplace_back(*id, value);
        else
            ++refused;
    }
    if (refused > 0) {
        if (batch.outcome == ScrapeOutcome::complete) batch.outcome = ScrapeOutcome::partial;
        if (!batch.error.empty()) batch.error += "; ";
        batch.error += std::to_string(refused) + " series over the budget are not kept (limits in medic.yaml)";
    }
    return batch;
}

Observation spelled_out(const SeriesStore& store, const ScrapeBatch& batch) {
    Observation page{.target = batch.target, .at = batch.at, .outcome = batch.outcome, .error = batch.error};
    for (const auto& [id, value] : batch.samples)
        if (store.contains(id)) page.samples.emplace_back(store.labels(id), value);
    return page;
}

}  // namespace

Knowledge::Knowledge(const Config& config, KnowledgeOptions options)
    : config_(config), options_(options), series_(options.store), timeline_(options.timeline) {}

void Knowledge::expect(const std::string& target, const std::string& cluster, Duration interval) {
    health_[target] = {.cluster = cluster,
                       .interval = interval,
                       .last_at = {},
                       .outcome = ScrapeOutcome::failed,
                       .error = "not looked at yet"};
    series_.set_sample_bytes_max(
        std::min(options_.store.sample_bytes_max + health_.size() * options_.sample_bytes_per_target,
                 std::max(options_.store.sample_bytes_max, options_.sample_bytes_max)));
}

std::vector<Knowledge::Expected> Knowledge::expected() const {
    std::vector<Expected> all;
    for (const auto& [target, health] : health_) all.push_back({target, health.cluster, health.interval});
    return all;
}

void Knowledge::note(const std::string& target, const std::string& cluster, WallTime at, ScrapeOutcome outcome,
                     const std::string& error) {
    Health& health = health_[target];
    health.cluster = cluster;
    health.last_at = at;
    health.outcome = outcome;
    health.error = error;
}

void Knowledge::apply(Observation observation) {
    if (listener_) listener_(observation);
    const std::string target = observation.target;
    const std::string cluster = target.substr(0, target.find('/'));
    note(target, cluster, observation.at, observation.outcome, observation.error);
    relabel(observation);
    const ScrapeBatch batch = intern(series_, observation, target, false);
    if (batch.outcome != observation.outcome) note(target, cluster, observation.at, batch.outcome, batch.error);
    // A whole look without any series: all that the target told are marked as gone.
    if (observation.outcome == ScrapeOutcome::failed && observation.withdraws)
        series_.append(
            {.target = target, .at = observation.at, .outcome = ScrapeOutcome::complete, .error = {}, .samples = {}});
    series_.append(batch);
    ScrapeBatch up = intern(series_, observation, target + "/up", true);
    up.outcome = ScrapeOutcome::complete;
    if (const auto id = series_.intern(Labels("medic_target_up", {{"cluster", cluster}, {"target", target}})))
        up.samples.emplace_back(*id, observation.outcome == ScrapeOutcome::complete ? 1 : 0);
    series_.append(up);
    for (Event& event : observation.events) {
        if (event.kind == "log") place(event);
        (void)timeline_.record(std::move(event));
    }
    if (observation.silences) silences_[cluster] = {observation.at, std::move(*observation.silences)};
    if (observation.outcome == ScrapeOutcome::failed) return;  // What was known of the topology stays, and ages.

    auto& work = work_[target];
    const auto before = std::exchange(work, {});
    for (const WorkUnderWay& now : observation.under_way) {
        const auto same = [&](const OperationUnderWay& old) {
            return old.subject == now.subject && old.kind == now.kind;
        };
        if (std::ranges::any_of(work, same)) continue;
        const auto known = std::ranges::find_if(before, same);
        work.push_back({now.subject, now.kind, now.by, known != before.end() ? known->since : observation.at});
    }
    if (observation.connectors) {
        connector_settings_.look(cluster, *observation.connectors, observation.outcome == ScrapeOutcome::complete,
                                 series_, observation.at);
        for (const ConnectorLook& look : *observation.connectors)
            connector_settings_.tell(look.connector, observation.attributes[look.connector]);
    }
    if (target == cluster + "/kafka") {
        topic_settings_.look(cluster, observation.attributes, observation.outcome == ScrapeOutcome::complete, series_,
                             observation.at);
        for (auto& [subject, attributes] : observation.attributes)
            if (subject.kind == "topic") topic_settings_.tell(subject, attributes);
    }
    note_job_runs(cluster, std::move(observation.job_runs));
    topology_of(observation);
    if (const ClusterConfig* config = config_.cluster(cluster)) relink(*config, observation.at);
}

void Knowledge::apply(const std::string& cluster, ScrapeBatch batch) {
    if (listener_) listener_(spelled_out(series_, batch));
    note(batch.target, cluster, batch.at, batch.outcome, batch.error);
    ScrapeBatch up{
        .target = batch.target + "/up", .at = batch.at, .outcome = ScrapeOutcome::complete, .error = {}, .samples = {}};
    if (const auto id = series_.intern(Labels("medic_target_up", {{"cluster", cluster}, {"target", batch.target}})))
        up.samples.emplace_back(*id, batch.outcome == ScrapeOutcome::complete ? 1 : 0);
    series_.append(batch);
    series_.append(up);
}

void Knowledge::tick_lateness(double seconds, WallTime at) {
    ScrapeBatch batch{.target = "medic", .at = at, .outcome = ScrapeOutcome::complete, .error = {}, .samples = {}};
    if (const auto id = series_.intern(Labels("medic_tick_lateness_seconds", {})))
        batch.samples.emplace_back(*id, seconds);
    series_.append(batch);
}

void Knowledge::forget(WallTime now) {
    series_.forget_before(now - options_.store.retention);
    std::erase_if(told_at_, [&](const auto& entry) { return now - entry.second > options_.store.retention; });
}

// The process collector knows nodes; Connect knows workers. Once it is known that they are the same, one name is used.
void Knowledge::relabel(Observation& observation) const {
    for (auto& [labels, value] : observation.samples) {
        if (labels.name() != "connect_task_process_cpu_seconds_total") continue;
        const NodeLink known = link(std::string(labels.get("cluster")), std::string(labels.get("worker")));
        if (known.worker.empty()) continue;
        auto pairs = labels.pairs();
        for (auto& [name, text] : pairs)
            if (name == "worker") text = known.worker;
        labels = Labels("", std::move(pairs));
    }
}

// A line of a log knows its node, and what the line itself names; here it is known who that is. The most specific one
// is what the line is about.
void Knowledge::place(Event& log) const {
    const std::string cluster = log.subject.cluster;
    const auto field = [&](const char* name) {
        const auto found = log.fields.find(name);
        return found == log.fields.end() ? std::string() : found->second;
    };
    const auto about = [&](const char* kind, const std::string& name) {
        if (name.empty()) return;
        log.fields[kind] = name;
        log.subject = {cluster, kind, name};
    };
    const NodeLink known = link(cluster, field("node"));
    about("taskmanager", known.taskmanager);
    about("worker", known.worker);
    about("broker", known.broker);
    if (const std::string id = field("job_id"); !id.empty())
        for (const Subject& job : topology_.all(cluster, "job"))
            if (topology_.attribute(job, "id") == id) about("job", job.name);
    const std::string connector = field("connector"), task = field("task");
    about("connector", connector);
    if (!connector.empty() && !task.empty()) log.subject = {cluster, "connector-task", connector + "/" + task};
}

void Knowledge::note_job_runs(const std::string& cluster, std::vector<JobRun> runs) {
    constexpr std::size_t job_runs_max = 10'000;
    for (JobRun& run : runs) {
        const std::pair key{cluster, run.job};
        const auto known = job_runs_.find(key);
        if (known != job_runs_.end() ? known->second == run : job_runs_.size() >= job_runs_max) continue;
        changed_job_runs_[key] = job_runs_[key] = std::move(run);
    }
}

// A partial look adds to what was said before; only a complete one may take back.
void Knowledge::topology_of(Observation& observation) {
    Said& said = said_[observation.target];
    for (const auto& [subject, attributes] : observation.attributes) told_at_[subject] = observation.at;
    if (observation.outcome == ScrapeOutcome::complete) {
        said = {std::move(observation.relations), std::move(observation.attributes)};
    } else {
        constexpr std::size_t relations_max = 100'000;
        for (Relation& relation : observation.relations)
            if (said.relations.size() < relations_max) said.relations.push_back(std::move(relation));
        for (auto& [subject, attributes] : observation.attributes)
            for (auto& [name, value] : attributes) said.attributes[subject][name] = std::move(value);
    }
    std::ranges::sort(said.relations);
    const auto doubled = std::ranges::unique(said.relations);
    said.relations.erase(doubled.begin(), doubled.end());
    topology_.replace(observation.target, said.relations, said.attributes, observation.at);
}

namespace {

// Of a topic's "0:1,2,3;1:2,3,1"; "" where it does not name the partition.
std::string replicas_of(std::string_view assignment, std::string_view partition) {
    while (!assignment.empty()) {
        const auto end = std::min(assignment.find(';'), assignment.size());
        const std::string_view one = assignment.substr(0, end);
        const auto colon = one.find(':');
        if (colon != std::string_view::npos && one.substr(0, colon) == partition)
            return std::string(one.substr(colon + 1));
        assignment.remove_prefix(std::min(end + 1, assignment.size()));
    }
    return "";
}

}  // namespace

Fact Knowledge::fact(const FactKey& key, WallTime now) const {
    if (key.subject.kind == "partition" && key.name == replicas_in_order) {
        const auto dash = key.subject.name.rfind('-');
        if (dash == std::string::npos) return {key.subject, key.name, std::nullopt, "", {}};
        const Fact all = fact({{key.subject.cluster, "topic", key.subject.name.substr(0, dash)}, "assignment"}, now);
        return {key.subject, key.name, std::nullopt, replicas_of(all.text, key.subject.name.substr(dash + 1)),
                all.observed_at};
    }
    if (key.name.starts_with(quota_prefix)) return quota_fact(key, now);
    if (key.name == unread_ratio_max) return unread_fact(key);
    if (key.name == runs_on) return runs_on_fact(key, now);
    Fact from_series = series_fact(key, now);
    if (from_series.known()) return from_series;
    if (key.name == last_stable_offset) return not_held_up(key, now);
    const auto attribute = topology_.attribute(key.subject, key.name);
    const auto told = told_at_.find(key.subject);
    if (!attribute || told == told_at_.end()) return {key.subject, key.name, std::nullopt, "", {}};
    Fact fact{key.subject, key.name, std::nullopt, *attribute, told->second};
    if (*attribute == "true" || *attribute == "false") fact.value = *attribute == "true" ? 1 : 0;
    char* end = nullptr;
    const double number = std::strtod(attribute->c_str(), &end);
    if (!attribute->empty() && end == attribute->c_str() + attribute->size()) fact.value = number;
    return fact;
}

namespace {

// TOPIC-N/PRODUCER/EPOCH/START, read from its end: topics have no slash.
void transaction(std::string_view name, std::vector<LabelMatcher>& matchers) {
    for (const auto& [label, before] : {std::pair("start_offset", '/'), std::pair("producer_epoch", '/'),
                                        std::pair("producer_id", '/'), std::pair("partition", '-')}) {
        const auto at = name.rfind(before);
        matchers.push_back({label, LabelMatcher::Op::equal, std::string(name.substr(at + 1))});
        name = name.substr(0, at);
    }
    matchers.push_back({"topic", LabelMatcher::Op::equal, std::string(name)});
}

// TOPIC-N@BROKER, read from its end: a topic's name may hold dashes.
void replica(std::string_view name, std::vector<LabelMatcher>& matchers) {
    for (const auto& [label, before] : {std::pair("broker", '@'), std::pair("partition", '-')}) {
        const auto at = std::min(name.rfind(before), name.size());
        matchers.push_back({label, LabelMatcher::Op::equal, std::string(name.substr(std::min(at + 1, name.size())))});
        name = name.substr(0, at);
    }
    matchers.push_back({"topic", LabelMatcher::Op::equal, std::string(name)});
}

// Which labels of a series name the subject.
std::vector<LabelMatcher> matchers_of(const FactKey& key) {
    using Op = LabelMatcher::Op;
    std::vector<LabelMatcher> matchers = {{"__name__", Op::equal, key.name}};
    const Subject& subject = key.subject;
    if (!subject.cluster.empty()) matchers.push_back({"cluster", Op::equal, subject.cluster});
    const auto pair = [&](const char* first, const char* second, std::size_t cut) {
        matchers.push_back({first, Op::equal, subject.name.substr(0, cut)});
        if (cut != std::string::npos) matchers.push_back({second, Op::equal, subject.name.substr(cut + 1)});
    };
    if (subject.kind == "connector-task")
        pair("connector", "task", subject.name.rfind('/'));
    else if (subject.kind == "vertex")
        pair("job", "vertex", subject.name.find('/'));
    else if (subject.kind == "log-dir")
        pair("broker", "log_dir", subject.name.find(':'));
    else if (subject.kind == "partition")
        pair("topic", "partition", subject.name.rfind('-'));
    else if (subject.kind == "replica")
        replica(subject.name, matchers);
    else if (subject.kind == "transaction")
        transaction(subject.name, matchers);
    else if (subject.kind != "cluster")
        matchers.push_back({subject.kind, Op::equal, subject.name});
    return matchers;
}

}  // namespace

namespace {

// Where several answer for a subject (the Flinks of a cluster) it is reachable while all of them are, as far as is
// known of the one that was asked the longest time ago.
Fact answer_of_all(Fact fact, const std::vector<std::pair<SeriesId, Sample>>& told) {
    const auto& [id, sample] = *std::ranges::min_element(
        told, {}, [](const auto& one) { return std::pair(one.second.value, one.second.at_ms); });
    fact.value = sample.value;
    fact.observed_at = {sample.at_ms};
    return fact;
}

}  // namespace

Fact Knowledge::series_fact(const FactKey& key, WallTime now) const {
    Fact fact{key.subject, key.name, std::nullopt, "", {}};
    std::vector<std::pair<SeriesId, Sample>> newest;
    std::int64_t newest_ms = 0;
    for (const SeriesId id : series_.select(matchers_of(key))) {
        const auto sample = series_.latest(id, now, options_.fact_lookback);
        if (!sample) continue;
        newest.emplace_back(id, *sample);
        newest_ms = std::max(newest_ms, sample->at_ms);
    }
    if (newest.empty()) return fact;
    if (of_reachability(key.name)) return answer_of_all(std::move(fact), newest);
    std::erase_if(newest,
                  [&](const auto& entry) { return entry.second.at_ms < newest_ms - options_.fact_skew.count(); });
    const bool states = !series_.label(newest[0].first, "state").empty();
    double sum = 0;
    std::int64_t oldest_ms = newest_ms, stated_ms = 0;
    for (const auto& [id, sample] : newest) {
        sum += sample.value;
        oldest_ms = std::min(oldest_ms, sample.at_ms);
        if (!states || sample.value != 1 || sample.at_ms < stated_ms) continue;
        stated_ms = sample.at_ms;
        fact.text = series_.label(id, "state");
    }
    fact.observed_at = {states ? stated_ms : oldest_ms};
    if (!states) fact.value = sum;
    return fact;
}

// The newest reading of all quotas tells; one that it does not name is not set.
Fact Knowledge::quota_fact(const FactKey& key, WallTime now) const {
    using Op = LabelMatcher::Op;
    Fact fact = series_fact({{key.subject.cluster, "cluster", key.subject.cluster}, "kafka_client_quotas_set"}, now);
    fact = {key.subject, key.name, std::nullopt, fact.known() ? std::string(no_quota) : "", fact.observed_at};
    if (!fact.known()) return fact;
    std::vector<LabelMatcher> matchers = {{"__name__", Op::equal, "kafka_client_quota"},
                                          {"cluster", Op::equal, key.subject.cluster},
                                          {"quota", Op::equal, key.name.substr(quota_prefix.size())}};
    for (const char* kind : {"client", "user", "ip"})
        matchers.push_back({kind, Op::equal, key.subject.kind == kind ? key.subject.name : ""});
    for (const SeriesId id : series_.select(matchers)) {
        const auto sample = series_.latest(id, now, options_.fact_lookback);
        if (!sample || sample->at_ms < fact.observed_at.unix_ms) continue;
        fact.value = sample->value;
        fact.text = fmt::format("{}", sample->value);
    }
    return fact;
}

// Told only where it is behind. A reading of all partitions that does not name this one says that it is not.
Fact Knowledge::not_held_up(const FactKey& key, WallTime now) const {
    const Fact all =
        series_fact({{key.subject.cluster, "cluster", key.subject.cluster}, "kafka_partitions_held_up"}, now);
    Fact end = series_fact({key.subject, "kafka_partition_log_end_offset"}, now);
    if (!all.known() || !end.known()) return {key.subject, key.name, std::nullopt, "", {}};
    end.name = key.name;
    end.observed_at = std::min(end.observed_at, all.observed_at);
    return end;
}

// A look that lacks something may lack the very group that has read least.
Fact Knowledge::unread_fact(const FactKey& key) const {
    const auto kafka = health_.find(key.subject.cluster + "/kafka");
    if (kafka == health_.end() || kafka->second.outcome != ScrapeOutcome::complete)
        return {key.subject, key.name, std::nullopt, "", {}};
    return unread_ratio_of(key, {series_, topology_, kafka->second.last_at});
}

// What workers said before they fell silent is no answer. That they are silent is one until it is heard otherwise,
// however seldom hosts that failed are asked.
Fact Knowledge::runs_on_fact(const FactKey& key, WallTime now) const {
    Fact fact{key.subject, key.name, std::nullopt, "", {}};
    const auto connect = health_.find(key.subject.cluster + "/connect");
    const bool looked_at = connect != health_.end() && connect->second.last_at != WallTime{};
    if (!looked_at || now - connect->second.last_at > options_.fact_lookback) return fact;
    if (connect->second.outcome == ScrapeOutcome::failed) {
        fact.text = no_worker_answers;
        fact.observed_at = now;
        return fact;
    }
    const auto worker = topology_.attribute(key.subject, "worker");
    const auto told = told_at_.find(key.subject);
    if (!worker || told == told_at_.end()) return fact;
    fact.text = *worker;
    fact.observed_at = told->second;
    return fact;
}

OperationsUnderWay Knowledge::operations(WallTime now) const {
    OperationsUnderWay all{.at = now, .operations = {}};
    for (const auto& [target, work] : work_) all.operations.insert(all.operations.end(), work.begin(), work.end());
    all.silences = silences();
    return all;
}

std::vector<Relation> Knowledge::relations() const {
    std::vector<Relation> all;
    for (const auto& [target, said] : said_) all.insert(all.end(), said.relations.begin(), said.relations.end());
    return all;
}

std::vector<ClusterSilences> Knowledge::silences() const {
    std::vector<ClusterSilences> all;
    for (const ClusterConfig& cluster : config_.clusters) {
        if (cluster.alertmanager_url.empty()) continue;
        ClusterSilences& mine = all.emplace_back();
        mine.cluster = cluster.name;
        mine.problem = problem(cluster.name + "/alertmanager");
        if (const auto read = silences_.find(cluster.name); read != silences_.end()) {
            mine.read_at = read->second.at;
            mine.active = read->second.active;
        }
        // As Prometheus knows it: the address of its page is the label `instance`.
        for (const NodeConfig& node : cluster.nodes) {
            std::vector<LabelPair> names = {{"node", node.name}};
            for (const PageConfig& page : cluster.pages)
                if (page.node == node.name) names.emplace_back("instance", authority_of(page.url));
            const NodeLink known = link(cluster.name, node.name);
            mine.also_called[{cluster.name, "node", node.name}] = {names.begin() + 1, names.end()};
            for (const auto& [kind, name] : {std::pair{"broker", known.broker}, std::pair{"worker", known.worker},
                                             std::pair{"taskmanager", known.taskmanager}})
                if (!name.empty()) mine.also_called[{cluster.name, kind, name}] = names;
        }
    }
    return all;
}

std::vector<std::string> Knowledge::blind_targets(WallTime now) const {
    std::vector<std::string> blind;
    for (const auto& [target, health] : health_) {
        // Three missed looks, and never less than a slow answer takes.
        constexpr Duration floor{5'000};
        const Duration age_max = std::max(health.interval * 3, floor);
        if (health.outcome == ScrapeOutcome::failed || now - health.last_at > age_max) blind.push_back(target);
    }
    return blind;
}

std::string Knowledge::problem(const std::string& target) const {
    const auto found = health_.find(target);
    return found == health_.end() ? "" : found->second.error;
}

bool Knowledge::looked_at_all() const {
    return std::ranges::all_of(health_, [](const auto& entry) { return entry.second.last_at.unix_ms != 0; });
}

NodeLink Knowledge::link(const std::string& cluster, const std::string& node) const {
    const auto found = links_.find({cluster, node});
    return found == links_.end() ? NodeLink{} : found->second;
}

}  // namespace medic
