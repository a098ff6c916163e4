// Any text as a rule file: no crash; what loads is evaluated, expands its templates and survives a snapshot.
#include "agent/base/yaml.h"
#include "classifiers/rules/rule_engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic;
    const RuleFileText file{"fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size)};
    auto rules = RuleSet::parse(std::span(&file, 1));
    if (!rules) return 0;
    RuleEngine engine(*std::move(rules), {.alerts_per_rule_max = 100});
    SeriesStore store({.series_max = 100});
    for (int second = 0; second < 3; ++second) {
        ScrapeBatch batch;
        batch.target = "fuzz";
        batch.at = {second * 1000};
        for (const char* node : {"1", "2"})
            if (const auto id = store.intern(Labels("x", {{"job", node}}))) batch.samples.emplace_back(*id, second);
        store.append(batch);
        const Now now{Instant{Duration{second * 1000}}, {second * 1000}};
        (void)engine.evaluate(store, now);
        engine.restore(engine.snapshot(now), now);
    }
    return 0;
}
