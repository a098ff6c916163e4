// Any text as an expression: no crash, what parses prints as something that parses and prints the same, and evaluates.
#include <cstdlib>

#include "classifiers/rules/promql/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic;
    static const SeriesStore* const store = [] {
        auto* made = new SeriesStore;
        for (int second = 0; second < 20; ++second) {
            ScrapeBatch batch;
            batch.target = "fuzz";
            batch.at = {second * 1000};
            for (const char* node : {"1", "2", "3"})
                batch.samples.emplace_back(*made->intern(Labels("x", {{"a", node}, {"le", node}})), second);
            made->append(batch);
        }
        return made;
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    promql::Engine engine({.samples_max = 10'000, .steps_max = 100});
    const auto expression = engine.compile(text);
    if (!expression) return 0;
    const std::string printed = promql::to_string(expression->root());
    const auto again = promql::parse(printed);
    if (again.root && promql::to_string(*again.root) != printed) std::abort();
    (void)engine.evaluate(*expression, *store, {19'000});
    return 0;
}
