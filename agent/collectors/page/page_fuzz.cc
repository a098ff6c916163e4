// Any bytes as a page: no crash, and the cache reads the same samples as the parser, on the first pass and the second.
#include <cstdlib>

#include "agent/collectors/page/page_cache.h"

namespace {

struct Counter final : medic::PageSink {
    std::size_t count = 0;
    void on_sample(const medic::PageSample&) override { ++count; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto format = data[0] % 2 == 0 ? medic::PageFormat::prometheus_text : medic::PageFormat::open_metrics;
    const std::string_view page(reinterpret_cast<const char*>(data + 1), size - 1);
    Counter counter;
    const auto summary = medic::PageParser({.format = format}).parse(page, counter);
    if (summary.samples != counter.count) std::abort();
    const medic::SeriesStore store;
    medic::PageCache cache(format);
    std::size_t first = 0;
    for (int pass = 0; pass < 2; ++pass) {
        medic::ScrapeBatch batch;
        const auto cached = cache.read(page, store, [](const auto&, auto&) {}, batch);
        if (pass == 0)
            first = cached.samples;
        else if (cached.samples != first)
            std::abort();
    }
    return 0;
}
