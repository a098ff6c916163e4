// Any bytes as the answer to each question in turn that the HTTP collectors ask, while all others are answered well:
// no crash, and a finite number of further questions.
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string_view>

#include "agent/collectors/connect/connect.h"
#include "agent/collectors/flink/flink.h"
#include "agent/collectors/prometheus/server.h"

namespace {

using namespace medic;

constexpr std::size_t asks_max = 20'000;  // A job of many vertices asks three questions about each.

// Enough of each product's answer to be asked the next question.
std::string usual_answer(std::string_view url) {
    const auto has = [&](std::string_view part) { return url.find(part) != std::string_view::npos; };
    if (has("/jobs/overview")) return R"({"jobs":[{"jid":"a1","name":"job","state":"RUNNING","start-time":5}]})";
    if (url.ends_with("/taskmanagers"))
        return R"({"taskmanagers":[{"id":"tm-1","path":"pekko.tcp://flink@127.0.0.1:1/user/rpc/taskmanager_0"}]})";
    if (url.ends_with("/jobs/a1"))
        return R"({"vertices":[{"id":"v1","name":"map","parallelism":2,"status":"RUNNING"}]})";
    if (has("/connectors?"))
        return R"({"c":{"status":{"connector":{"state":"RUNNING","worker_id":"w:1"},)"
               R"("tasks":[{"id":0,"state":"FAILED","trace":"x","worker_id":"w:1"}]},"info":{"config":{}}}})";
    return "{}";
}

// One look in which the question number `replaced` is answered with `body`; returns how many were asked.
std::size_t look(HttpCollector& collector, std::size_t replaced, const std::string& body) {
    std::deque<HttpAsk> open;
    for (auto& ask : collector.begin({1'700'000'000'000})) open.push_back(std::move(ask));
    std::size_t asked = 0;
    for (; !open.empty(); ++asked) {
        if (asked > asks_max) std::abort();
        const HttpAsk ask = std::move(open.front());
        open.pop_front();
        const std::string answer = asked == replaced ? body : usual_answer(ask.url);
        for (auto& more : collector.answer(ask, HttpAnswer{200, "application/json", answer}))
            open.push_back(std::move(more));
    }
    (void)collector.finish();
    return asked;
}

void try_each(HttpCollector& collector, const std::string& body) {
    for (std::size_t replaced = 0, asked = 1; replaced < asked && replaced < 32; ++replaced)
        asked = look(collector, replaced, body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string body(reinterpret_cast<const char*>(data), size);
    FlinkCollector flink(
        {.cluster = "c", .url = "http://jm", .target = "c/flink", .artifacts = {{"job", {{"1", "job.jar"}}}}});
    try_each(flink, body);
    ConnectCollector connect({.cluster = "c", .urls = {"http://w:1"}, .target = "c/connect"});
    try_each(connect, body);
    PrometheusCollector prometheus(
        {.cluster = "c", .url = "http://p", .match = "{}", .target = "c/prometheus", .watched = {}});
    try_each(prometheus, body);
    return 0;
}
