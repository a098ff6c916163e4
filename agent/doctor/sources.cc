#include "agent/doctor/sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/doctor/sight.h"

namespace medic::doctor {
namespace {

// Labels that say whose page it is rather than what there is.
constexpr std::string_view owner_labels[] = {"cluster", "broker", "worker", "node", "role", "taskmanager"};

std::pair<std::string, std::string> split(const std::string& series) {
    const auto at = series.find('@');
    return at == std::string::npos ? std::pair(series, std::string())
                                   : std::pair(series.substr(0, at), series.substr(at + 1));
}

std::string plural(const std::string& role) {
    if (role == "taskmanager") return "task managers";
    if (role == "connect-worker") return "Connect workers";
    if (role == "jobmanager") return "job managers";
    return role.empty() ? "any process" : role + "s";
}

}  // namespace

Sources::Sources(const ClusterConfig& cluster, const discovery::ClusterLook& look)
    : cluster_(cluster), look_(look), seen_(look.series()) {
    for (const Observation& one : look.observations)
        for (const auto& [labels, value] : one.samples)
            for (const auto& [name, text] : labels.pairs()) labels_seen_.insert(name);
    for (const CanonicalSeries& one : CanonicalNames::built_in().series()) told_ += tells(one.name);
}

Sources::Part Sources::part(const std::string& name) const {
    if (name == "medic") return Part::answers;
    if (name == "process") return has_driver("") ? Part::answers : Part::absent;
    const bool configured = name == "kafka"     ? !cluster_.kafka.bootstrap.empty()
                            : name == "connect" ? !cluster_.connect_urls.empty()
                                                : !cluster_.flink_urls.empty();
    if (!configured) return Part::absent;
    const bool answers = std::ranges::any_of(look_.observations, [&](const Observation& one) {
        return one.target.starts_with(cluster_.name + "/" + name) && one.outcome != ScrapeOutcome::failed;
    });
    return answers ? Part::answers : Part::silent;
}

bool Sources::has_driver(const std::string& role) const {
    return std::ranges::any_of(cluster_.nodes, [&](const NodeConfig& one) {
        return (role.empty() || one.role == role) && one.driver.can("status");
    });
}

// A series of connector tasks is not missed where there is no connector task.
bool Sources::have_subjects(const CanonicalSeries& series) const {
    return std::ranges::all_of(series.labels, [&](const std::string& label) {
        return std::ranges::find(owner_labels, label) != std::end(owner_labels) || labels_seen_.contains(label);
    });
}

bool Sources::tells(const std::string& series, const std::string& role) const {
    if (!role.empty()) return has_driver(role);
    if (seen_.contains(series)) return true;
    const CanonicalSeries* known = CanonicalNames::built_in().find(series);
    if (known == nullptr) return true;  // Not ours: an operator's own series, of which nothing is known here.
    if (!known->told_by.empty() && part(known->told_by) == Part::answers) {
        if (series == "host_memory_available_bytes" || known->since.empty()) return true;
        return !have_subjects(*known);
    }
    if (!known->told_by.empty()) return false;
    const bool page = std::ranges::any_of(known->pages, [&](const PageOrigin& origin) {
        const std::string kind = page_kind_of(origin.page);
        return std::ranges::any_of(look_.pages, [&](const auto& one) {
            return one.error.empty() && (kind.empty() || one.config.kind == kind);
        });
    });
    return page && !have_subjects(*known);
}

std::string Sources::why_silent(const std::string& name) const {
    for (const Observation& one : look_.observations)
        if (one.target.starts_with(cluster_.name + "/" + name) && one.outcome == ScrapeOutcome::failed)
            return one.error;
    return "no answer";
}

std::string Sources::line_of(const std::string& name) const {
    const auto list = [](const std::vector<std::string>& all) {
        std::string text;
        for (const std::string& one : all) text += (text.empty() ? "\"" : ", \"") + one + "\"";
        return text;
    };
    if (name == "kafka") return "kafka: {bootstrap: [" + list(cluster_.kafka.bootstrap) + "]}";
    std::vector<std::string> shown;
    for (const std::string& url : name == "connect" ? cluster_.connect_urls : cluster_.flink_urls)
        shown.push_back(url.substr(0, url.find("://") + 3) + discovery::shown_address(url));
    if (name == "connect") return "connect: {urls: [" + list(shown) + "]}";
    return "flink: [{url: " + list({shown.front()}) + "}]";
}

Gap Sources::gap_of_part(const std::string& name) const {
    const std::string place = "medic.yaml, under clusters." + cluster_.name + ":";
    if (part(name) == Part::silent)
        return {fmt::format("{} does not answer: {}",
                            name == "kafka"     ? "Kafka"
                            : name == "connect" ? "Connect"
                                                : "Flink",
                            why_silent(name)),
                {place, line_of(name) + "  # As it stands: correct it, or mend what ACCESS says."}};
    if (name == "kafka") return {"Kafka is not watched", {place, "kafka: {bootstrap: [\"HOST:9092\"]}"}};
    if (name == "connect") return {"Connect is not watched", {place, "connect: {urls: [\"http://HOST:8083\"]}"}};
    return {"Flink is not watched", {place, "flink: [{url: \"http://HOST:8081\"}]"}};
}

Gap Sources::gap_of_pages(const CanonicalSeries& series) const {
    std::string kind;
    const PageOrigin* origin = nullptr;
    for (const PageOrigin& one : series.pages) {
        if (kind.empty()) kind = page_kind_of(one.page);
        if (!one.mbean.empty()) origin = &one;
    }
    const std::string place = "medic.yaml, under clusters." + cluster_.name + ":";
    bool configured = false;
    for (const auto& page : look_.pages) {
        if (page.config.kind != kind) continue;
        configured = true;
        if (!page.error.empty())
            return {fmt::format("the page {} can't be read: {}", discovery::shown_address(page.config.url), page.error),
                    {"nothing in medic.yaml: ACCESS says what fails"}};
    }
    if (configured || !cluster_.prometheus.url.empty()) {
        const std::string where = configured ? "the " + kind + " pages" : "Prometheus";
        if (origin == nullptr)
            return {where + " do not carry " + series.name,
                    {"the exporter must give one of: " + series.pages.front().page}};
        return {where + (configured ? " lack what their exporter leaves out"
                                    : " has not what the brokers' or workers' exporters leave out"),
                {fmt::format("the exporter's file (whole: medic doctor --print {}):", kind),
                 "includeObjectNames: [\"" + origin->mbean + ",*\"]"}};
    }
    const std::string node = kind == "kafka-broker"     ? ", node: broker-1"
                             : kind == "connect-worker" ? ", node: \"HOST:8083\""
                                                        : "";
    return {fmt::format("no {} page is read", kind),
            {place, fmt::format("metrics: [{{url: \"http://HOST:PORT/metrics\", kind: {}{}}}]", kind, node)}};
}

Gap Sources::gap(const std::string& name) const {
    const auto [series, role] = split(name);
    const CanonicalSeries* known = CanonicalNames::built_in().find(series);
    const std::string place = "medic.yaml, under clusters." + cluster_.name + ":";
    if (known == nullptr) return {"nothing tells " + series, {}};
    if (known->told_by == "process" || !role.empty()) {
        const std::string shown = role.empty() ? "taskmanager" : role;
        return {fmt::format("no driver can look at {}", plural(role)),
                {place, fmt::format("nodes: [{{name: NAME, role: {}, driver: {{kind: systemd, unit: UNIT.service}}}}]",
                                    shown)}};
    }
    if (known->told_by.empty()) return gap_of_pages(*known);
    if (part(known->told_by) != Part::answers) return gap_of_part(known->told_by);
    return {fmt::format("the brokers are older than {} and do not tell their disks' size", known->since),
            {fmt::format("nothing in medic.yaml: {} or newer tells it", known->since)}};
}

bool Sources::tells_texts_of(std::string_view component) const {
    if ((component == "flink" || component == "connect") && part(std::string(component)) == Part::answers) return true;
    const std::string_view writer = component == "kafka-broker" ? "kafka" : component;
    return std::ranges::any_of(cluster_.logs, [&](const LogConfig& one) { return one.component == writer; });
}

Gap Sources::gap_of_texts(std::string_view component) const {
    if (component == "flink" || component == "connect") return gap_of_part(std::string(component));
    if (component != "kafka-broker")
        return {"logs of client applications are not read",
                {"show one to the classifier:", "medic diagnose --file application.log"}};
    return {"logs of brokers are not read",
            {"medic.yaml, under clusters." + cluster_.name + ":",
             "logs: [{path: \"/var/log/kafka/server.log\", component: kafka}]"}};
}

}  // namespace medic::doctor
