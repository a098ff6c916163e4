#include "agent/doctor/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic::doctor {

using discovery::Call;
using discovery::ClusterLook;

namespace {

struct Right {
    const char* call;
    const char* needs;     // For a person.
    const char* resource;  // As kafka-acls.sh takes it.
    std::vector<const char*> operations;
};

// Apache Kafka's documentation, "Protocols and ACLs": the operation that each request is checked for. ListGroups
// without the cluster's Describe shows only groups that may be described, and the agent would not notice.
const std::vector<Right>& rights() {
    static const std::vector<Right> all = {
        {"Metadata", "Describe on topics", "--topic '*'", {"Describe"}},
        {"ListOffsets", "Describe on topics", "--topic '*'", {"Describe"}},
        {"DescribeConfigs", "DescribeConfigs on topics", "--topic '*'", {"DescribeConfigs"}},
        {"DescribeConfigs of brokers", "DescribeConfigs on the cluster", "--cluster", {"DescribeConfigs"}},
        {"ListGroups", "Describe on the cluster", "--cluster", {"Describe"}},
        {"DescribeLogDirs", "Describe on the cluster", "--cluster", {"Describe"}},
        {"ListPartitionReassignments", "Describe on the cluster", "--cluster", {"Describe"}},
        {"DescribeGroups", "Describe on groups", "--group '*'", {"Describe"}},
        {"OffsetFetch", "Describe on groups and topics", "--group '*'", {"Describe"}},
        {"ConsumerGroupDescribe", "Describe on groups", "--group '*'", {"Describe"}},
        {"DescribeQuorum", "Describe on the cluster", "--cluster", {"Describe"}},
        {"DescribeClientQuotas", "DescribeConfigs on the cluster", "--cluster", {"DescribeConfigs"}},
        {"ListTransactions", "Describe on transactional ids", "--transactional-id '*'", {"Describe"}},
        {"DescribeTransactions", "Describe on transactional ids", "--transactional-id '*'", {"Describe"}},
        // Reading a topic is more than looking at it: not asked for by default; hanging transactions stay unseen then.
        {"DescribeProducers", "Read on topics", "--topic '*'", {}}};
    return all;
}

struct Tested {
    const char* product;
    double oldest, from, to;  // Works from `oldest`; tested from … to. Major and minor as one number: 3.9 → 3.09.
    const char* text;
};
constexpr Tested tested[] = {{"Kafka", 2.08, 3.09, 4.01, "tested with 3.9 to 4.1, made for 2.8 and later"},
                             {"Connect", 2.08, 3.09, 4.01, "tested with 3.9 to 4.1, made for 2.8 and later"},
                             {"Flink", 1.17, 1.20, 2.00, "tested with 1.20 and 2.0, made for 1.17 and later"}};

// "3.9.1" → 3.09; a range gives its first.
std::optional<double> number_of(const std::string& version) {
    char* end = nullptr;
    const long major = std::strtol(version.c_str(), &end, 10);
    if (end == version.c_str() || *end != '.') return std::nullopt;
    const char* minor_text = end + 1;
    const long minor = std::strtol(minor_text, &end, 10);
    if (end == minor_text) return std::nullopt;
    return static_cast<double>(major) + static_cast<double>(minor) / 100;
}

// Brokers of one cluster that speak like different releases: an upgrade on its way, or one that was left half done. A
// fact, no fault. One whose release is not known says nothing.
std::optional<Check> mixed_brokers(const ClusterLook& look) {
    std::map<std::string, std::string> brokers;  // By release.
    for (const auto& [broker, release] : look.broker_versions)
        if (!release.empty()) (brokers[release] += brokers[release].empty() ? "" : ", ") += std::to_string(broker);
    if (brokers.size() < 2) return std::nullopt;
    std::string text;
    for (const auto& [release, ids] : brokers)
        text += (text.empty() ? "broker " : "; broker ") + ids + " like " + release;
    return Check{Grade::advice, "Kafka's brokers",
                 "speak like different releases (" + text + "): an upgrade is under way, or was left half done"};
}

}  // namespace

Check check_version(const std::string& product, const std::string& version) {
    const std::string what = product + " " + version;
    const auto known = std::ranges::find_if(tested, [&](const Tested& one) { return one.product == product; });
    const auto number = number_of(version);
    if (version == "before 2.3") return {Grade::bad, what, std::string("too old: ") + known->text};
    if (known == std::end(tested) || !number) return {Grade::advice, what, "which version it is can't be told"};
    constexpr double rounding = 0.001;
    if (*number < known->oldest - rounding) return {Grade::bad, what, std::string("too old: ") + known->text};
    if (*number < known->from - rounding)
        return {Grade::advice, what, std::string("older than what we test: ") + known->text};
    if (*number > known->to + rounding)
        return {Grade::advice, what, std::string("newer than what we test: ") + known->text};
    return {Grade::good, what, "tested"};
}

std::vector<Check> versions(const ClusterLook& look) {
    std::set<std::pair<std::string, std::string>> found;
    for (const auto& [broker, version] : look.broker_versions)
        if (!version.empty()) found.emplace("Kafka", version);
    for (const auto& [url, body] : look.bodies) {
        const auto parsed = foreign_json(body);
        if (url.ends_with("/config") && url.find("/jobs/") == std::string::npos) {
            if (const auto version = json_read::text(parsed, "flink-version"); !version.empty())
                found.emplace("Flink", version);
        } else if (url.ends_with("/")) {
            if (const auto version = json_read::text(parsed, "version"); !version.empty())
                found.emplace("Connect", version);
        }
    }
    std::vector<Check> checks;
    for (const auto& [product, version] : found) checks.push_back(check_version(product, version));
    if (auto mixed = mixed_brokers(look)) checks.push_back(*std::move(mixed));
    return checks;
}

std::vector<Check> pages_and_clocks(const ClusterLook& look) {
    std::vector<Check> checks;
    std::map<std::string, Duration> skews;
    for (const auto& skew : look.skews) {
        auto& known = skews.try_emplace(skew.target, skew.ahead).first->second;
        if (std::chrono::abs(skew.ahead) < std::chrono::abs(known)) known = skew.ahead;  // The least delayed answer.
    }
    constexpr Duration skew_max{
        5'000};  // Date tells whole seconds; heartbeat ages and watermark lag are off by this much.
    for (const auto& [target, ahead] : skews) {
        if (std::chrono::abs(ahead) <= skew_max) continue;
        checks.push_back(
            {Grade::bad, "clock of " + target,
             fmt::format(
                 "our clock is {:.0f} s {} it: ages, lags and the order of events will be wrong; run NTP on both",
                 std::abs(static_cast<double>(ahead.count())) / 1000, ahead.count() > 0 ? "ahead of" : "behind")});
    }
    // It answers and yet does not see all: what it lacks is hidden from the agent too.
    if (const Observation* prometheus = look.observation("/prometheus"); prometheus != nullptr)
        if (!prometheus->error.empty()) checks.push_back({Grade::bad, "Prometheus", prometheus->error});
    for (const auto& page : look.pages) {
        const std::string name = "page " + discovery::shown_address(page.config.url);
        if (!page.error.empty()) {
            checks.push_back({Grade::bad, name, page.error});
            continue;
        }
        if (!page.kind.empty() && page.kind != page.config.kind)
            checks.push_back(
                {Grade::bad, name,
                 fmt::format("is given as {}, and is the page of a {}: correct `kind`", page.config.kind, page.kind)});
        if (page.newest_timestamp_s) {
            const double age = static_cast<double>(look.at.unix_ms) / 1000 - *page.newest_timestamp_s;
            constexpr double age_max_s = 120;
            if (age > age_max_s)
                checks.push_back(
                    {Grade::bad, name,
                     fmt::format("its newest sample is {:.0f} s old: a gateway or cache repeats what is long past",
                                 age)});
        }
        // A scrape of 1 MB costs a broker 160–450 ms of CPU; at this size or time it is worth an include-list.
        constexpr std::size_t bytes_many = 200'000;
        constexpr Duration took_long{500};
        const std::string figures =
            fmt::format("{} kB, {} samples of which {} are used, {} ms, every {} s", page.bytes / 1000, page.samples,
                        page.used, page.took.count(), page.config.interval.count() / 1000);
        const bool jmx = page.config.kind == "kafka-broker" || page.config.kind == "connect-worker";
        if (page.bytes < bytes_many && page.took < took_long)
            checks.push_back({Grade::good, name, figures});
        else
            checks.push_back(
                {Grade::advice, name,
                 figures + (jmx ? "; an include-list makes it cheap: medic doctor --print " + page.config.kind
                                : "; scrape it less often")});
    }
    return checks;
}

std::string right_of(const std::string& call) {
    const auto found = std::ranges::find_if(rights(), [&](const Right& one) { return one.call == call; });
    return found == rights().end() ? "" : found->needs;
}

std::vector<std::string> acl_lines(const ClusterLook& look, const std::string& bootstrap,
                                   const std::string& principal) {
    // All of the agent's calls: a refused one keeps those that would follow it from being made.
    if (std::ranges::none_of(look.calls, [](const Call& call) { return call.part == "kafka"; })) return {};
    std::map<std::string, std::set<std::string>> wanted;  // Resource → operations.
    for (const Right& right : rights()) wanted[right.resource].insert(right.operations.begin(), right.operations.end());
    std::vector<std::string> lines;
    for (const auto& [resource, operations] : wanted) {
        std::string line =
            fmt::format("kafka-acls.sh --bootstrap-server {} --add --allow-principal '{}'", bootstrap, principal);
        for (const std::string& operation : operations) line += " --operation " + operation;
        lines.push_back(line + " " + resource);
    }
    return lines;
}

}  // namespace medic::doctor
