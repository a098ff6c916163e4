#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/fleet/answers_internal.h"

namespace medic::fleet {
namespace {

constexpr std::string_view release = "kafka-3.9.1-flink-1.20.1/";
// The moment of the Flink recording ("now" in flink-vertex.json).
constexpr std::int64_t recorded_at_ms = 1'795'339'771'041;
constexpr std::string_view recorded_job = "f3354c755bba6d905a16c736d2ee5153";
constexpr std::string_view recorded_vertex = "857f407b0f317b9a9f938362a2c2d026";

std::string recorded(const std::string& testdata, std::string_view name) {
    std::ifstream in(testdata + "/" + std::string(release) + std::string(name), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string with(std::string text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

// The key in front of the value at `at`: "read-records" of `"read-records":12`.
std::string_view key_before(std::string_view text, std::size_t at) {
    if (at < 3 || text[at - 1] != ':' || text[at - 2] != '"') return {};
    const auto open = text.rfind('"', at - 3);
    return open == std::string_view::npos ? std::string_view() : text.substr(open + 1, at - open - 3);
}

}  // namespace

MovingText::MovingText(std::string_view text, std::int64_t recorded_at, std::int64_t began_ms) : began_ms_(began_ms) {
    constexpr std::size_t digits_of_ms = 13;
    const std::int64_t shift = began_ms - recorded_at;
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        const bool number = std::isdigit(static_cast<unsigned char>(text[at])) != 0 &&
                            (at == 0 || (text[at - 1] == ':' || text[at - 1] == '"'));
        if (!number) {
            plain += text[at++];
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
        const std::string digits(text.substr(at, end - at));
        const std::string_view key = key_before(text, at);
        const bool whole = end < text.size() && std::string_view(",}]\"").find(text[end]) != std::string_view::npos;
        const bool moment = whole && digits.size() == digits_of_ms;
        const bool counter = key == "read-records" || key == "write-records";
        constexpr std::int64_t records_per_s = 90;
        // Flink's job manager fetches its task managers' counts so often (metrics.fetcher.update-interval).
        constexpr std::int64_t fetched_every_ms = 10'000;
        // Half of each second is work and half is waiting; busy time stands as "27195.0".
        const bool spent = (key == "accumulated-busy-time" || key == "accumulated-idle-time") &&
                           (whole || (end < text.size() && text[end] == '.'));
        constexpr std::int64_t spent_ms_per_s = 500;
        if (moment &&
            (key.starts_with("start") || (!key.empty() && std::isupper(static_cast<unsigned char>(key[0])) != 0)))
            plain += std::to_string(std::stoll(digits) + shift);
        else if (moment)
            pieces_.push_back({std::exchange(plain, {}), std::stoll(digits) + shift, 1'000, true});
        else if (counter && whole)
            pieces_.push_back({std::exchange(plain, {}), std::stoll(digits), records_per_s, true, fetched_every_ms});
        else if (spent)
            pieces_.push_back({std::exchange(plain, {}), std::stoll(digits), spent_ms_per_s, true, fetched_every_ms});
        else
            plain += digits;
        at = end;
    }
    pieces_.push_back({plain, 0, 0, false});
}

std::string MovingText::at(std::int64_t now_ms) const {
    std::string out;
    for (const Piece& piece : pieces_) {
        out += piece.text;
        const std::int64_t passed = (now_ms - began_ms_) / piece.step_ms * piece.step_ms;
        if (piece.moves) out += std::to_string(piece.base + passed * piece.growth / 1000);
    }
    return out;
}

RestAnswers RestAnswers::flink(const std::string& testdata, int index, std::int64_t began_ms) {
    RestAnswers all;
    const std::string number = std::to_string(index);
    std::string job(recorded_job);
    job.replace(0, number.size() + 1, "a" + number);  // Still 32 hexadecimal digits.
    const auto named = [&](std::string text) {
        text = with(std::move(text), recorded_job, job);
        text = with(std::move(text), "orders-by-customer", "orders-" + number);
        text = with(std::move(text), "tm1-1795339716", "tm1-" + number);
        return with(std::move(text), "tm2-1795339716", "tm2-" + number);
    };
    const auto put = [&](const std::string& path, std::string text) {
        all.by_path_.emplace(path, MovingText(text, recorded_at_ms, began_ms));
    };
    const std::string base = "/jobs/" + job;
    put("/jobs/overview", named(recorded(testdata, "flink-jobs-overview.json")));
    put("/taskmanagers", named(recorded(testdata, "flink-taskmanagers.json")));
    put("/config", recorded(testdata, "flink-config.json"));
    put("/jobmanager/config", R"([{"key":"jobmanager.rpc.address","value":"localhost"}])");
    const std::string details = named(recorded(testdata, "flink-job.json"));
    put(base, details);
    put(base + "/config", named(recorded(testdata, "flink-job-config.json")));
    put(base + "/exceptions", recorded(testdata, "flink-exceptions.json"));
    put(base + "/checkpoints", named(recorded(testdata, "flink-checkpoints.json")));
    put(base + "/metrics", R"([{"id":"numRestarts","value":"0"}])");
    const auto job_details = nlohmann::json::parse(details);  // Outlives the loop over a part of it.
    for (const auto& vertex : job_details.at("vertices")) {
        const auto id = vertex.at("id").get<std::string>();
        const std::string path = base + "/vertices/" + id;
        put(path, with(named(recorded(testdata, "flink-vertex.json")), recorded_vertex, id));
        put(path + "/backpressure", recorded(testdata, "flink-vertex-backpressure.json"));
        put(path + "/watermarks", recorded(testdata, "flink-vertex-watermarks.json"));
    }
    return all;
}

RestAnswers RestAnswers::connect(const std::string& testdata, int index, int connectors, const std::string& authority,
                                 std::int64_t began_ms) {
    RestAnswers all;
    const auto put = [&](const std::string& path, const std::string& text) {
        all.by_path_.emplace(path, MovingText(text, recorded_at_ms, began_ms));
    };
    put("/", recorded(testdata, "connect-root.json"));
    const auto from = nlohmann::json::parse(recorded(testdata, "connect-connectors.json"));
    nlohmann::json out = nlohmann::json::object();
    auto next = from.begin();
    for (int i = 0; i < connectors; ++i) {
        const std::string name = next.key() + "-" + std::to_string(index) + "-" + std::to_string(i);
        std::string text = with(next.value().dump(), "\"" + next.key() + "\"", "\"" + name + "\"");
        text = with(std::move(text), "127.0.0.1:28083", authority);
        out[name] = nlohmann::json::parse(text);
        if (++next == from.end()) next = from.begin();
    }
    put("/connectors", out.dump());
    return all;
}

const MovingText* RestAnswers::find(std::string_view path) const {
    const auto found = by_path_.find(path.substr(0, path.find('?')));
    return found == by_path_.end() ? nullptr : &found->second;
}

}  // namespace medic::fleet
