#include <algorithm>

#include "engine/common/metrics_page.h"
#include "engine/connect/rest.h"

namespace medic::engine::connect {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_worker(MetricsPage& page, const WorkerSnapshot& worker) {
    const auto add = [&page](std::string_view name, double value) {
        page.add(std::string("kafka_connect_worker_").append(name), {}, value);
    };
    const auto add_starts = [&](const std::string& kind, std::uint64_t attempts, std::uint64_t failures) {
        add(kind + "_startup_attempts", static_cast<double>(attempts));
        add(kind + "_startup_failure", static_cast<double>(failures));
        add(kind + "_startup_failure_percentage", share(failures, attempts));
        add(kind + "_startup_success", static_cast<double>(attempts - failures));
        add(kind + "_startup_success_percentage", share(attempts - failures, attempts));
    };
    add("connector_count", worker.connectors);
    add("task_count", static_cast<double>(worker.tasks.size()));
    add_starts("connector", worker.connector_starts, worker.connector_start_failures);
    add_starts("task", worker.task_starts, worker.task_start_failures);
    add("rebalance_completed_rebalances", static_cast<double>(worker.rebalances));
}

}  // namespace

HttpHandler make_metrics_page(const Herder& herder) {
    return [&herder](const HttpRequest& request) -> HttpResponse {
        if (request.path != "/metrics" && request.path != "/") return {404, "not found\n", "text/plain", {}};
        MetricsPage page;
        const WorkerSnapshot worker = herder.snapshot();
        add_worker(page, worker);
        for (const auto& task : worker.tasks) {
            const std::string number = std::to_string(task.key.task);
            page.add("kafka_connect_connector_task_status",
                     {{"connector", task.key.connector}, {"status", lower(to_string(task.state))}, {"task", number}},
                     1);
            for (const auto& [name, value] : task.metrics)
                page.add(name, {{"connector", task.key.connector}, {"task", number}}, value);
        }
        page.add_process();
        return {200, page.render(), std::string(MetricsPage::content_type), {}};
    };
}

}  // namespace medic::engine::connect
