#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/discovery/draw_internal.h"

namespace medic::discovery {

using json_read::array;
using json_read::boolean;
using json_read::Json;
using json_read::member;
using json_read::text;

namespace {

struct Operators {
    std::vector<std::string> sources, sinks;
};

// "Source: orders -> price -> Sink: out" and "Source: orders<br/>+- price<br/>…" are the operators that Flink chained.
std::vector<std::string> chained(std::string names) {
    for (const std::string_view mark : {"<br/>", " -> ", "+- ", ":- ", ":  "})
        for (std::size_t at = names.find(mark); at != std::string::npos; at = names.find(mark, at))
            names.replace(at, mark.size(), "\n");
    std::vector<std::string> all;
    for (std::size_t from = 0; from < names.size();) {
        const auto end = std::min(names.find('\n', from), names.size());
        std::string one = names.substr(from, end - from);
        one.erase(0, one.find_first_not_of(" ("));
        one.erase(one.find_last_not_of(" )") + 1);
        if (!one.empty()) all.push_back(std::move(one));
        from = end + 1;
    }
    return all;
}

void sort_out(const std::string& names, Operators& found) {
    for (const std::string& one : chained(names)) {
        if (one.starts_with("Source:") || one.find("TableSourceScan") != std::string::npos)
            found.sources.push_back(one);
        else if (one.starts_with("Sink:") || one.ends_with(": Writer") || one.starts_with("Sink("))
            found.sinks.push_back(one);
    }
}

class FlinkPainter {
public:
    FlinkPainter(Outside& outside, const ClusterLook& look, const Observation& seen, Picture& picture,
                 FlinkCluster& flink)
        : outside_(outside), look_(look), facts_(seen), picture_(picture), flink_(flink) {}

    void paint() {
        const Json config = body_of(look_, flink_.url + "/config");
        flink_.version = text(config, "flink-version");
        if (const Json* features = config.is_discarded() ? nullptr : member(config, "features"))
            if (const auto submit = boolean(*features, "web-submit")) flink_.mode = *submit ? "session" : "application";
        task_managers();
        for (const std::string& name : facts_.names("job")) job(name);
        ask_sources();
    }

private:
    void task_managers() {
        for (const std::string& id : facts_.names("taskmanager")) {
            const std::vector<LabelPair> labels = {{"taskmanager", id}};
            flink_.taskmanagers.push_back(
                {.id = id,
                 .address = facts_.attribute({look_.cluster, "taskmanager", id}, "address"),
                 .slots = static_cast<std::size_t>(facts_.value("flink_taskmanager_slots", labels).value_or(0)),
                 .free_slots =
                     static_cast<std::size_t>(facts_.value("flink_taskmanager_free_slots", labels).value_or(0))});
        }
    }

    void job(const std::string& name) {
        const Subject subject{look_.cluster, "job", name};
        Job job{.name = name, .id = facts_.attribute(subject, "id"), .state = facts_.attribute(subject, "state")};
        job.parallelism = static_cast<std::size_t>(facts_.value("flink_job_parallelism", {{"job", name}}).value_or(0));
        job.taskmanagers = facts_.related(subject, "runs-on");
        const Json details = body_of(look_, flink_.url + "/jobs/" + job.id);
        Operators found;
        if (!details.is_discarded()) {
            std::set<std::string> fed;  // Vertices with inputs; the others are sources.
            if (const Json* plan = member(details, "plan"))
                for (const Json& node : array(*plan, "nodes")) {
                    sort_out(text(node, "description"), found);
                    if (!array(node, "inputs").empty()) fed.insert(text(node, "id"));
                }
            for (const Json& vertex : array(details, "vertices")) {
                sort_out(text(vertex, "name"), found);
                if (!fed.contains(text(vertex, "id")) && job.state == "RUNNING")
                    source_vertices_.emplace_back(flink_.jobs.size(), text(vertex, "id"));
            }
        }
        named_after(found.sinks, job.writes);
        named_after(found.sources, guesses_[flink_.jobs.size()]);
        flink_.jobs.push_back(std::move(job));
    }

    void named_after(const std::vector<std::string>& operators, std::vector<Link>& links) const {
        for (const std::string& one : operators)
            if (auto link = topic_by_name(one, picture_.topics);
                link && std::ranges::find(links, link->name, &Link::name) == links.end())
                links.push_back(*std::move(link));
    }

    // The names of a Kafka source's metrics hold its topics: asked once for each source, names only.
    void ask_sources() {
        constexpr std::size_t asked_max = 1'000;
        if (source_vertices_.size() > asked_max) source_vertices_.resize(asked_max);
        std::vector<Get> requests;
        for (const auto& [job, vertex] : source_vertices_)
            requests.push_back(
                {.url = flink_.url + "/jobs/" + flink_.jobs[job].id + "/vertices/" + vertex + "/subtasks/metrics",
                 .cluster = picture_.cluster});
        const auto answers = outside_.get(requests);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const auto parsed = json_read::document(answers[i].answer);
            if (!parsed || !parsed->is_array()) continue;
            std::vector<std::string> names;
            for (const Json& entry : *parsed) names.push_back(text(entry, "id"));
            auto& reads = flink_.jobs[source_vertices_[i].first].reads;
            for (std::string& topic : topics_in_metric_names(names, picture_.topics))
                if (std::ranges::find(reads, topic, &Link::name) == reads.end())
                    reads.push_back({std::move(topic), Sure::told, "metrics of its Kafka source"});
        }
        for (auto& [job, links] : guesses_)
            if (flink_.jobs[job].reads.empty()) flink_.jobs[job].reads = std::move(links);
    }

    Outside& outside_;
    const ClusterLook& look_;
    const Facts facts_;
    Picture& picture_;
    FlinkCluster& flink_;
    std::vector<std::pair<std::size_t, std::string>> source_vertices_;  // Index of the job, id of the vertex.
    std::map<std::size_t, std::vector<Link>> guesses_;                  // What sources are named after, by job.
};

}  // namespace

void draw_flink(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look, Picture& picture) {
    for (const std::string& url : cluster.flink_urls) {
        FlinkCluster flink{.url = url, .version = "", .mode = ""};
        if (const Observation* seen = look.observation("/flink/" + shown_address(url))) {
            flink.reachable = seen->outcome != ScrapeOutcome::failed;
            if (flink.reachable) FlinkPainter(outside, look, *seen, picture, flink).paint();
        }
        picture.flinks.push_back(std::move(flink));
    }
}

}  // namespace medic::discovery
