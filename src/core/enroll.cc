// SPDX-License-Identifier: Apache-2.0
//
// How an instrument enters its registry: family, labels, clashes, and the continuation of a held series.
#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <unordered_set>

#include "names.h"
#include "process.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::string_view invalid = "invalid";

Kind kind_of(Cells cells) noexcept {
  switch (cells) {
    case Cells::counter: return Kind::counter;
    case Cells::gauge_i64:
    case Cells::gauge_f64: return Kind::gauge;
    case Cells::histogram:
    case Cells::float_histogram: return Kind::histogram;
  }
  return Kind::gauge;
}

/// Copies text into one buffer that was made large enough, so that what points into it stays valid.
class TextPool {
 public:
  TextPool(std::string& storage, std::size_t size) : storage_{storage} { storage_.reserve(size); }

  Text add(std::string_view text) {
    const std::size_t begin = storage_.size();
    storage_ += text;
    return {storage_.data() + begin, text.size()};
  }

 private:
  std::string& storage_;
};

/// Gives every point its labels: the scope's, then one per enum; the spare point has `invalid` for each enum's key.
void label_points(Instrument& instrument, const ScopeState& scope, const Axis* axes, std::size_t axis_count) {
  std::size_t text_size = invalid.size();
  for (const auto& [key, value] : scope.labels) text_size += key.size() + value.size();
  for (std::size_t a = 0; a < axis_count; ++a) {
    text_size += axes[a].labels[0].key.size();
    for (std::size_t i = 0; i < axes[a].size; ++i) text_size += axes[a].labels[i].value.size();
  }
  TextPool pool{instrument.label_text, text_size};

  std::vector<Label> constant;
  for (const auto& [key, value] : scope.labels) {
    // An empty value means that the label is absent (exposition format 0.0.4; conformance of both readings).
    if (!value.empty()) constant.push_back({pool.add(key), pool.add(value)});
  }
  std::vector<std::vector<Label>> dimensions(axis_count);
  for (std::size_t a = 0; a < axis_count; ++a) {
    const Text key = pool.add(view(axes[a].labels[0].key));
    dimensions[a].reserve(axes[a].size);
    for (std::size_t i = 0; i < axes[a].size; ++i)
      dimensions[a].push_back({key, pool.add(view(axes[a].labels[i].value))});
  }
  const Text invalid_value = pool.add(invalid);

  instrument.labels.assign(instrument.points, constant);
  for (std::size_t p = 0; p < instrument.points; ++p) {
    const bool spare = instrument.has_spare && p + 1 == instrument.points;
    std::size_t stride = instrument.points - (instrument.has_spare ? 1 : 0);
    for (const auto& dimension : dimensions) {
      stride /= dimension.size();
      instrument.labels[p].push_back(spare ? Label{dimension[0].key, invalid_value}
                                           : dimension[p / stride % dimension.size()]);
    }
  }
}

void check_label_keys(const ScopeState& scope, const Axis* axes, std::size_t axis_count) {
  std::vector<std::string_view> keys;
  keys.reserve(scope.labels.size() + axis_count);
  for (const auto& label : scope.labels) keys.push_back(label.first);
  for (std::size_t a = 0; a < axis_count; ++a) {
    check_label_key(view(axes[a].labels[0].key));
    keys.push_back(view(axes[a].labels[0].key));
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) {
    throw std::invalid_argument{"label key \"" + std::string{*twice} + "\" appears twice among scope and enum labels"};
  }
}

/// One text per label set, whatever the order of the labels.
std::string canonical(std::vector<Label> labels) {
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return view(a.key) < view(b.key); });
  std::string text;
  for (const Label& label : labels) {
    text.append(view(label.key)).append(1, '=').append(std::to_string(label.value.size())).append(1, ':');
    text.append(view(label.value)).append(1, ',');
  }
  return text;
}

/// The family with this name if it exists. Throws when the name is taken by something else.
std::shared_ptr<FamilyRecord> find_family(const RegistryState& registry, const FamilyRecord& wanted) {
  for (const std::string& name : sample_names(wanted.full_name, wanted.kind)) {
    const auto found = registry.names.find(name);
    if (found == registry.names.end()) continue;
    const FamilyRecord* const other = found->second;
    if (other == nullptr) throw std::invalid_argument{"the name \"" + name + "\" is the library's own"};
    if (other->full_name != wanted.full_name) {
      throw std::invalid_argument{"metric \"" + wanted.full_name + "\" would export \"" + name +
                                  "\", which belongs to the metric \"" + other->full_name + "\""};
    }
    if (other->kind != wanted.kind) {
      throw std::invalid_argument{"metric \"" + wanted.full_name + "\" exists already with another kind"};
    }
    if (other->unit != wanted.unit) {
      throw std::invalid_argument{"metric \"" + wanted.full_name + "\" exists already with another unit"};
    }
    return *std::find_if(registry.families.begin(), registry.families.end(),
                         [other](const auto& family) { return family.get() == other; });
  }
  return nullptr;
}

FamilyRecord describe(const ScopeState& scope, const Info& info, const Instrument& instrument) {
  FamilyRecord family;
  family.kind = kind_of(instrument.cells);
  family.unit = info.unit;
  if (instrument.buckets != nullptr && instrument.buckets->divisor != 1) {
    if (info.unit != Unit::none && info.unit != Unit::seconds) {
      throw std::invalid_argument{"metric \"" + std::string{view(info.name.text())} +
                                  "\" has durations as bounds, so its unit is seconds"};
    }
    family.unit = Unit::seconds;
  }
  family.scope = scope.prefix;
  family.name = canonical_name(view(info.name.text()), family.unit, family.kind);
  family.full_name = full_name(family.scope, family.name, family.unit);
  family.help = view(info.help);
  if (family.full_name.size() > 255) {
    throw std::invalid_argument{"metric name \"" + family.full_name + "\" is longer than 255 characters"};
  }
  return family;
}

/// Whether `old`, a held instrument, has the same points in the same order.
bool continues(const Instrument& old, const Instrument& fresh, const std::vector<std::string>& label_sets) {
  if (!old.retired || old.cells != fresh.cells || old.points != fresh.points || old.width != fresh.width ||
      old.buckets != fresh.buckets) {
    return false;
  }
  for (std::size_t p = 0; p < old.points; ++p) {
    if (canonical(old.labels[p]) != label_sets[p]) return false;
  }
  return true;
}

void remove(RegistryState& registry, Instrument& instrument) {
  const std::shared_ptr<FamilyRecord> family = instrument.family;
  for (const auto& labels : instrument.labels) {
    const auto found = family->label_sets.find(canonical(labels));
    if (found != family->label_sets.end() && found->second == &instrument) family->label_sets.erase(found);
  }
  ++registry.layout_version;
  std::erase_if(family->instruments, [&](const auto& other) { return other.get() == &instrument; });
  if (!family->instruments.empty()) return;
  for (const std::string& name : sample_names(family->full_name, family->kind)) registry.names.erase(name);
  std::erase(registry.families, family);
}

/// Whether letting go of a held instrument now keeps its final value from a reader.
bool is_missed(const RegistryState& registry, const Instrument& instrument, std::int64_t now_ns) {
  return std::any_of(registry.readers.begin(), registry.readers.end(), [&](const ReaderState* reader) {
    return reader->options.finals == Finals::held ? now_ns - instrument.retired_at_ns < hold_ns
                                                  : reader->taken_retirements < instrument.retire_order;
  });
}

void unhold(RegistryState& registry, Instrument& instrument) {
  registry.held_cells -= instrument.run_cells();
  std::erase(registry.held, &instrument);
}

}  // namespace

std::shared_ptr<Instrument> add_to_registry(const ScopeState& scope, const Info& info,
                                            const std::shared_ptr<Instrument>& fresh, const Axis* axes,
                                            std::size_t axis_count, bool& help_differs) {
  RegistryState& registry = *scope.registry;
  const FamilyRecord wanted = describe(scope, info, *fresh);
  check_label_keys(scope, axes, axis_count);
  label_points(*fresh, scope, axes, axis_count);
  std::vector<std::string> label_sets;
  label_sets.reserve(fresh->points);
  for (const auto& labels : fresh->labels) label_sets.push_back(canonical(labels));
  if (std::unordered_set<std::string_view>{label_sets.begin(), label_sets.end()}.size() != label_sets.size()) {
    throw std::invalid_argument{"metric \"" + wanted.full_name +
                                "\" has two points with the same labels: an enum gives one "
                                "value to two enumerators, or \"invalid\", which is the spare point's"};
  }

  std::shared_ptr<FamilyRecord> family = find_family(registry, wanted);
  std::vector<Instrument*> in_the_way;
  if (family) {
    help_differs = family->help != wanted.help;
    for (const std::string& label_set : label_sets) {
      const auto found = family->label_sets.find(label_set);
      if (found == family->label_sets.end()) continue;
      Instrument& other = *found->second;
      if (!other.retired) {
        throw std::invalid_argument{"metric \"" + wanted.full_name + "\" with the same labels exists already"};
      }
      if (continues(other, *fresh, label_sets)) {
        unhold(registry, other);
        other.retired = false;
        other.parked = false;
        return *std::find_if(family->instruments.begin(), family->instruments.end(),
                             [&](const auto& instrument) { return instrument.get() == &other; });
      }
      if (std::find(in_the_way.begin(), in_the_way.end(), &other) == in_the_way.end()) in_the_way.push_back(&other);
    }
  }

  fresh->registry = scope.registry;
  for (Instrument* const other : in_the_way) {
    // The same label set in another shape: two points with one label set must not leave the process.
    if (is_missed(registry, *other, steady_clock_ns())) process().finals_dropped += other->points;
    unhold(registry, *other);
    remove(registry, *other);
  }
  if (!family || family->instruments.empty()) {
    family = std::make_shared<FamilyRecord>(wanted);
    family->ordinal = registry.next_ordinal++;
    registry.families.push_back(family);
    for (const std::string& name : sample_names(family->full_name, family->kind)) {
      registry.names.emplace(name, family.get());
    }
  }
  fresh->family = family;
  family->instruments.push_back(fresh);
  for (const std::string& label_set : label_sets) family->label_sets[label_set] = fresh.get();
  ++registry.layout_version;
  return fresh;
}

void hold(RegistryState& registry, Instrument& instrument) {
  instrument.retired = true;
  instrument.retire_order = ++registry.retirements;
  instrument.retired_at_ns = steady_clock_ns();
  if (instrument.is_gauge() || !registry.owner) {
    // A gauge that is gone has no value (conformance: a series that ends is simply no longer exposed).
    remove(registry, instrument);
    return;
  }
  registry.held.push_back(&instrument);
  registry.held_cells += instrument.run_cells();
  let_go(registry, instrument.retired_at_ns);
}

void let_go(RegistryState& registry, std::int64_t now_ns) {
  std::uint64_t everybody_has = registry.retirements;
  for (const ReaderState* const reader : registry.readers) {
    if (reader->options.finals == Finals::once) everybody_has = std::min(everybody_has, reader->taken_retirements);
  }
  std::size_t gone = 0;
  for (Instrument* const instrument : registry.held) {
    const std::int64_t age = now_ns - instrument->retired_at_ns;
    const bool taken = instrument->retire_order <= everybody_has;
    const bool too_much = registry.held_cells > most_held_cells;
    if (!too_much && age < longest_hold_ns && !(taken && age >= hold_ns)) break;
    if (is_missed(registry, *instrument, now_ns)) process().finals_dropped += instrument->points;
    registry.held_cells -= instrument->run_cells();
    remove(registry, *instrument);
    ++gone;
  }
  registry.held.erase(registry.held.begin(), registry.held.begin() + static_cast<std::ptrdiff_t>(gone));
}

void let_go_of_all(RegistryState& registry) {
  while (!registry.held.empty()) {
    Instrument& instrument = *registry.held.back();
    unhold(registry, instrument);
    remove(registry, instrument);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
