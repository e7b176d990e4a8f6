// SPDX-License-Identifier: Apache-2.0
#include "enroll.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "clock.h"
#include "diagnose.h"
#include "dynamic_index.h"
#include "names.h"
#include "process.h"
#include "utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::string_view invalid = "invalid";

Kind kind_of(Cells cells) noexcept {
  switch (cells) {
    case Cells::counter:
    case Cells::float_counter:
    case Cells::observed_counter_u64:
    case Cells::observed_counter_f64: return Kind::counter;
    case Cells::up_down_counter:
    case Cells::observed_up_down_i64:
    case Cells::observed_up_down_f64: return Kind::up_down_counter;
    case Cells::gauge_i64:
    case Cells::gauge_f64:
    case Cells::max_gauge_i64:
    case Cells::max_gauge_f64:
    case Cells::min_gauge_i64:
    case Cells::min_gauge_f64:
    case Cells::constant:
    case Cells::observed_gauge_i64:
    case Cells::observed_gauge_f64: return Kind::gauge;
    case Cells::histogram:
    case Cells::float_histogram: return Kind::histogram;
    case Cells::distribution:
    case Cells::float_distribution: return Kind::exponential_histogram;
    case Cells::info: return Kind::info;
    case Cells::state_set: return Kind::state_set;
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

  instrument.labels_per_point = constant.size() + axis_count;
  instrument.constant_labels = constant.size();
  instrument.labels.reserve(instrument.points * instrument.labels_per_point);
  for (std::size_t p = 0; p < instrument.points; ++p) {
    const bool spare = instrument.has_spare && p + 1 == instrument.points;
    instrument.labels.insert(instrument.labels.end(), constant.begin(), constant.end());
    std::size_t stride = instrument.points - (instrument.has_spare ? 1 : 0);
    for (const auto& dimension : dimensions) {
      stride /= dimension.size();
      instrument.labels.push_back(spare ? Label{dimension[0].key, invalid_value}
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

/// One text per label set, whatever the order of the labels. Of the repaired values: two that differ only in ill-formed
/// bytes would be exported as one.
std::string canonical(std::span<const Label> unsorted) {
  std::vector<Label> labels{unsorted.begin(), unsorted.end()};
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return view(a.key) < view(b.key); });
  std::string text;
  for (const Label& label : labels) {
    const std::string value = repaired(view(label.value));
    text.append(view(label.key)).append(1, '=').append(std::to_string(value.size())).append(1, ':');
    text.append(value).append(1, ',');
  }
  return text;
}

/// What would not be legal OpenMetrics: two lines for one state, a second label with the family's name.
void check_state_set(const FamilyRecord& family, const Instrument& instrument) {
  const std::string metric = "state set \"" + family.full_name + "\" ";
  std::set<std::string> names;
  for (const State& state : instrument.states) {
    if (!names.insert(repaired(state.name)).second) {
      throw std::invalid_argument{metric + "has two states of the name \"" + printable(state.name) + "\""};
    }
  }
  for (const Label& label : instrument.labels) {
    if (view(label.key) == family.full_name) {
      throw std::invalid_argument{metric + "has a label of its own name, which is the states' key"};
    }
  }
}

FamilyRecord describe(const ScopeState& scope, const Info& info, const Instrument& instrument) {
  FamilyRecord family;
  family.kind = kind_of(instrument.cells);
  family.unit = info.unit;
  if ((instrument.buckets != nullptr && instrument.buckets->divisor != 1) ||
      (instrument.exponential != nullptr && instrument.exponential->divisor != 1)) {
    if (info.unit != Unit::none && info.unit != Unit::seconds) {
      throw std::invalid_argument{"metric \"" + std::string{view(info.name.text())} +
                                  "\" records durations, so its unit is seconds"};
    }
    family.unit = Unit::seconds;
  }
  if ((family.kind == Kind::info || family.kind == Kind::state_set) && family.unit != Unit::none) {
    throw std::invalid_argument{"metric \"" + std::string{view(info.name.text())} +
                                "\" has no number, and so no unit (OpenMetrics 1.0, \"Info\", \"StateSet\")"};
  }
  family.scope = scope.prefix;
  std::string name{view(info.name.text())};
  if (!instrument.suffix.empty()) name.append("_").append(instrument.suffix);
  family.name = canonical_name(name, family.unit, family.kind);
  family.full_name = full_name(family.scope, family.name, family.unit);
  check_full_name(family.full_name);
  family.sample_names = sample_names(family.full_name, family.kind);
  family.help = view(info.help);
  return family;
}

bool has_living(const FamilyRecord& family) noexcept {
  return std::any_of(family.instruments.begin(), family.instruments.end(),
                     [](const auto& instrument) { return !instrument.second->retired; });
}

/// Why a metric of the one family cannot be in a registry together with the other; empty when they are the same family.
std::string clash(const FamilyRecord& wanted, const FamilyRecord& other, const std::string& sample_name) {
  const std::string metric = "metric \"" + wanted.full_name + "\" ";
  if (other.full_name != wanted.full_name) {
    return metric + "would export \"" + sample_name + "\", which belongs to the metric \"" + other.full_name + "\"";
  }
  if (other.kind != wanted.kind) return metric + "exists already with another kind";
  if (other.unit != wanted.unit) return metric + "exists already with another unit";
  if (other.scope != wanted.scope || other.name != wanted.name) {
    return metric + "exists already as \"" + other.name + "\" in the scope \"" + other.scope + "\", and not as \"" +
           wanted.name + "\" in the scope \"" + wanted.scope + "\"";
  }
  return {};
}

/// Whether both are dynamic with the same keys, or neither is. A set's counters after the first have to share the
/// series that this one got.
bool has_keys_of(const Instrument& old, const Instrument& fresh) noexcept {
  if (!old.dynamic || !fresh.dynamic) return !old.dynamic && !fresh.dynamic;
  return old.member == fresh.member &&
         (old.dynamic == fresh.dynamic || (fresh.member == 0 && old.dynamic->has_keys_of(*fresh.dynamic)));
}

/// Whether a series of the one may some day have the labels of a point of the other. With the same constant keys and
/// other values that cannot be; a dynamic metric's keys are none of its scope's.
bool may_collide(const Instrument& a, const Instrument& b) noexcept {
  if (!a.dynamic && !b.dynamic) return false;
  const auto same_key = [](const Label& x, const Label& y) { return x.key == y.key; };
  return !std::ranges::is_permutation(a.scope_labels(), b.scope_labels(), same_key);
}

/// Whether `old` has the same points in the same order, and cells that mean the same.
bool has_shape_of(const Instrument& old, const Instrument& fresh) noexcept {
  return old.cells == fresh.cells && old.points == fresh.points && old.width == fresh.width &&
         old.buckets == fresh.buckets && old.exponential == fresh.exponential && has_keys_of(old, fresh) &&
         std::equal(old.label_sets.begin(), old.label_sets.end(), fresh.label_sets.begin(),
                    [](const auto& a, const auto& b) { return a->first == b->first; });
}

}  // namespace

Enrolment::Enrolment(const ScopeState& scope, const Info& info, const std::shared_ptr<Instrument>& fresh,
                     const Axis* axes, std::size_t axis_count)
    : registry_{*scope.registry}, instrument_{fresh} {
  const auto wanted = std::make_shared<FamilyRecord>(describe(scope, info, *fresh));
  check_label_keys(scope, axes, axis_count);
  label_points(*fresh, scope, axes, axis_count);
  if (wanted->kind == Kind::state_set) check_state_set(*wanted, *fresh);
  fresh->label_sets.reserve(fresh->points);
  for (std::size_t p = 0; p < fresh->points; ++p) {
    const auto [entry, is_new] = label_sets_.emplace(canonical(fresh->labels_of(p)), fresh.get());
    if (!is_new) {
      throw std::invalid_argument{"metric \"" + wanted->full_name +
                                  "\" has two points with the same labels: an enum gives one "
                                  "value to two enumerators, or \"invalid\", which is the spare point's"};
    }
    fresh->label_sets.push_back(entry);
  }

  find_family(*wanted);
  if (family_) {
    find_equal_labels();
    if (in_the_way_.size() == family_->instruments.size()) {
      family_ = nullptr;  // it goes with the last of them
    } else if (family_->help != wanted->help) {
      remark_ = "help text of " + family_->full_name + " differs: the first is used";
    }
    if (instrument_ != fresh) return;
  }
  if (!family_) {
    family_ = wanted;
    family_->ordinal = registry_.next_ordinal;
    new_family_.emplace(family_->ordinal, family_);
    for (const std::string& name : family_->sample_names) new_names_.emplace(name, family_.get());
  }
  fresh->held_node.push_back(fresh.get());
  fresh->held_at = fresh->held_node.begin();
  fresh->registry = scope.registry;
  fresh->family = family_;
  new_instrument_.emplace(fresh->id, fresh);
}

/// Looks whether the wanted family exists. Throws when one of its names is taken by something else that lives; what
/// only final values keep is in the way.
void Enrolment::find_family(const FamilyRecord& wanted) {
  for (const std::string& name : wanted.sample_names) {
    const auto found = registry_.names.find(name);
    if (found == registry_.names.end()) continue;
    const FamilyRecord* const other = found->second;
    if (other == nullptr) throw std::invalid_argument{"the name \"" + name + "\" is the library's own"};
    const std::string problem = clash(wanted, *other, name);
    if (problem.empty()) {
      family_ = registry_.families.at(other->ordinal);
      return;
    }
    if (has_living(*other)) throw std::invalid_argument{problem};
    for (const auto& [id, instrument] : other->instruments) in_the_way_.insert(instrument.get());
  }
}

/// Looks for the same label sets in the family. The held instrument that has them all is continued; those that have
/// some are in the way: two points with one label set must not leave the process.
void Enrolment::find_equal_labels() {
  for (const auto& [label_set, fresh] : label_sets_) {
    const auto found = family_->label_sets.find(label_set);
    if (found == family_->label_sets.end()) continue;
    Instrument& other = *found->second;
    if (!other.retired) {
      throw std::invalid_argument{"metric \"" + family_->full_name + "\" with the same labels exists already"};
    }
    if (has_shape_of(other, *fresh)) {
      instrument_ = family_->instruments.at(other.id);
      return;
    }
    in_the_way_.insert(&other);
  }
  const Instrument& fresh = *instrument_;
  if (!fresh.dynamic && family_->dynamic_instruments == 0) return;
  for (const auto& [id, other] : family_->instruments) {
    if (!may_collide(*other, fresh)) continue;
    if (!other->retired) {
      throw std::invalid_argument{"metric \"" + family_->full_name +
                                  "\" exists already with other constant label keys, and one of the two is dynamic: "
                                  "some day both could have a series with the same labels"};
    }
    in_the_way_.insert(other.get());
  }
}

void Enrolment::commit() noexcept {
  if (instrument_->retired) {
    unhold(registry_, *instrument_);
    instrument_->retired = false;
    return;
  }
  const std::int64_t now = now_ns();
  for (Instrument* const other : in_the_way_) give_up(registry_, *other, now);
  if (!new_family_.empty()) {
    ++registry_.next_ordinal;
    registry_.families.merge(new_family_);
    registry_.names.merge(new_names_);
  }
  family_->instruments.merge(new_instrument_);
  if (instrument_->dynamic) ++family_->dynamic_instruments;
  family_->label_sets.merge(label_sets_);
  ++registry_.layout_version;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
