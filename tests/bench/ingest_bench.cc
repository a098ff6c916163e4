// From a page to a symptom: what one look at a broker, one batch and one cycle of rules cost.
// Peers on the same kind of machine: Prometheus's text parser 159 MB/s (tokens and values), 83 MB/s with label sets;
// 200 rules over 10,000 series of 241 samples 330 ms a cycle.
#include <benchmark/benchmark.h>
#include <libdeflate.h>
#include <malloc.h>

#include <fstream>
#include <sstream>

#include "agent/collectors/page/page_cache.h"
#include "classifiers/rules/rule_engine.h"

namespace medic {
namespace {

const std::string& broker_page() {
    static const std::string page = [] {
        std::ifstream in(MEDIC_SOURCE_DIR "/agent/collectors/page/testdata/kafka-3.9.1-broker.prom.gz",
                         std::ios::binary);
        std::stringstream bytes;
        bytes << in.rdbuf();
        const std::string packed = bytes.str();
        std::string text(8 * 1024 * 1024, '\0');
        std::size_t size = 0;
        auto* const inflate = libdeflate_alloc_decompressor();
        libdeflate_gzip_decompress(inflate, packed.data(), packed.size(), text.data(), text.size(), &size);
        libdeflate_free_decompressor(inflate);
        text.resize(size);
        return text;
    }();
    return page;
}

struct Adder final : PageSink {
    double sum = 0;
    void on_sample(const PageSample& sample) override { sum += sample.value; }
};

void parse_page(benchmark::State& state) {
    Adder sink;
    PageParser parser({});
    for (auto _ : state) {
        const auto summary = parser.parse(broker_page(), sink);
        benchmark::DoNotOptimize(summary.samples);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * broker_page().size()));
}
BENCHMARK(parse_page)->Unit(benchmark::kMicrosecond);

void intern_sample(SeriesStore& store, const PageSample& sample, std::vector<PageCache::Destination>& destinations) {
    std::vector<LabelPair> labels{{"cluster", "lab"}, {"broker", "1"}};
    for (const auto& [name, value] : sample.labels) labels.emplace_back(name, value);
    if (const auto id = store.intern(Labels(sample.name, std::move(labels)))) destinations.push_back({*id, 1});
}

void read_known_page(benchmark::State& state) {
    SeriesStore store;
    PageCache cache(PageFormat::prometheus_text);
    const PageCache::Resolve resolve = [&](const PageSample& sample, auto& destinations) {
        intern_sample(store, sample, destinations);
    };
    ScrapeBatch batch;
    cache.read(broker_page(), store, resolve, batch);
    for (auto _ : state) {
        batch.samples.clear();
        cache.read(broker_page(), store, resolve, batch);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * broker_page().size()));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch.samples.size()));
}
BENCHMARK(read_known_page)->Unit(benchmark::kMicrosecond);

// `series` series a second, of which a quarter are counters that move; the memory that two hours of it take.
void append_batches(benchmark::State& state) {
    const auto series = static_cast<std::size_t>(state.range(0));
    const std::size_t before = mallinfo2().uordblks;
    SeriesStore store;
    ScrapeBatch batch;
    batch.target = "bench";
    for (std::size_t i = 0; i < series; ++i)
        batch.samples.emplace_back(
            *store.intern(Labels(fmt::format("metric_{}", i / 20),
                                 {{"cluster", "lab"}, {"topic", fmt::format("t-{}", i % 20)}, {"broker", "1"}})),
            0);
    std::int64_t second = 0;
    const auto step = [&] {
        batch.at = {second++ * 1000};
        for (std::size_t i = 0; i < series; i += 4) batch.samples[i].second += static_cast<double>(i % 5000);
        store.append(batch);
    };
    for (auto _ : state) step();
    while (second < 7200) step();
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * series));
    state.counters["kB_after_2h"] = static_cast<double>(mallinfo2().uordblks - before) / 1024;
    state.counters["batches_kept"] = static_cast<double>(store.usage().batches_kept_max);
}
BENCHMARK(append_batches)->Arg(3'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);

// The peer's workload: ten kinds of expression, 20 rules each, 10 metrics of 1,000 series, an hour at 15 s.
RuleSet two_hundred_rules() {
    const std::vector<std::string> kinds{
        "rate(m{}[5m]) > 1e9",
        "increase(m{}[10m]) > 1e9",
        "max_over_time(m{}[10m]) > 1e9",
        "sum by (op) (rate(m{}[5m])) > 1e9",
        "quantile by (op) (0.9, m{}) > 1e9",
        "m{} > 1e9",
        "sum(m{}) / sum(m{}) > 1e9",
        "absent(m{})",
        "predict_linear(m{}[1h], 3600) > 1e12",
        "avg_over_time(m{}[10m]) > 1e9",
    };
    std::string text = "groups:\n- name: g\n  rules:\n";
    for (int rule = 0; rule < 200; ++rule) {
        std::string expression = kinds[static_cast<std::size_t>(rule) % kinds.size()];
        for (auto at = expression.find("m{}"); at != std::string::npos; at = expression.find("m{}", at))
            expression.replace(at, 3, fmt::format("m{}", rule / 20));
        text += fmt::format("  - {{alert: a{}, expr: '{}'}}\n", rule, expression);
    }
    const RuleFileText file{"bench.yaml", text};
    return RuleSet::parse(std::span(&file, 1)).value();
}

void rule_cycle(benchmark::State& state) {
    const auto series_per_metric = static_cast<int>(state.range(0));
    SeriesStore store({.samples_per_series_max = 1'000, .sample_bytes_max = 1ULL << 30});
    ScrapeBatch batch;
    batch.target = "bench";
    for (int metric = 0; metric < 10; ++metric)
        for (int i = 0; i < series_per_metric; ++i)
            batch.samples.emplace_back(
                *store.intern(
                    Labels(fmt::format("m{}", metric), {{"i", std::to_string(i)}, {"op", std::to_string(i % 10)}})),
                i);
    std::int64_t second = 0;
    for (int step = 0; step < 241; ++step) {
        batch.at = {second};
        for (auto& [id, value] : batch.samples) value += static_cast<double>(id % 97);
        store.append(batch);
        second += 15'000;
    }
    RuleEngine engine(two_hundred_rules(), {.ignore_intervals = true});
    const Now now{Instant{Duration{second}}, {second - 15'000}};
    engine.evaluate(store, now);
    for (auto _ : state) benchmark::DoNotOptimize(engine.evaluate(store, now).size());
}
BENCHMARK(rule_cycle)->Arg(100)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace medic

BENCHMARK_MAIN();
