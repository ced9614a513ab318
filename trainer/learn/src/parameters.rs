//! The parameters of the table part, their ranges, and what each is by default.

use crate::demand::Demand;
use crate::search::Shape;
use crate::table::covisits::CountParameters;
use crate::table::first_order::WeightParameters;
use serde::{Deserialize, Serialize};
use vitrine_core::Action;
use vitrine_core::tables::Fusion;

/// Everything that turns a history into the tables of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableParameters {
    /// Share of the order-free part of the counts, `0..=1`.
    pub cooccurrence: f64,
    /// Events over which a counted pair's weight falls by e.
    pub gap_decay: f64,
    /// Age at which a session's weight has fallen by e, in lengths of the history; 0 for none.
    pub age_decay: f64,
    /// Constant added to a row's count.
    pub shrinkage: f64,
    /// Power of popularity that a neighbour's weight is multiplied by.
    pub popularity_power: f64,
    /// Power of the recent over the whole demand that a neighbour's weight is multiplied by.
    pub trend_power: f64,
    /// Power of a neighbour's weight itself.
    pub weight_power: f64,
    /// Weight of what the teacher says beside the history itself; 0 without a teacher.
    pub distillation: f64,
    /// Weight of what the encoder says after each item by itself, in a table that ships without it.
    #[serde(default)]
    pub encoder_distillation: f64,
    /// Events over which the weight of a session's event falls by e.
    pub position_decay: f64,
    /// Weight of an event that put an item into the cart; a view weighs 1.
    pub add_to_cart: f64,
    /// Weight of an event that bought an item.
    pub buy: f64,
    /// Bonus of the latest item itself.
    pub repeat_last: f64,
    /// Bonus of the session's other items.
    pub repeat_session: f64,
    /// Events over which that bonus falls by e.
    pub repeat_decay: f64,
    /// Growth of the bonus of an item that the session has seen n times: 1 + this · ln n.
    pub repeat_growth: f64,
    /// Weight of popularity as a term of its own: it orders what nothing else reaches.
    pub popularity: f64,
    /// Weight of the encoder's inner product; 0 without an encoder.
    pub encoder: f64,
    /// What the table is worth beside the encoder for an item that it does not reach.
    pub floor: f64,
    /// What ln(1 + events) of an item adds to its score beside the encoder.
    pub prior_popularity: f64,
    /// What its trend adds there.
    pub prior_trend: f64,
}

/// One of the parameters, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// [`TableParameters::cooccurrence`], and so on.
    Cooccurrence,
    /// Gap decay of counting.
    GapDecay,
    /// Age decay of sessions.
    AgeDecay,
    /// Shrinkage.
    Shrinkage,
    /// Popularity power.
    PopularityPower,
    /// Trend power.
    TrendPower,
    /// Weight power.
    WeightPower,
    /// Weight of the teacher.
    Distillation,
    /// Weight of the encoder as a teacher.
    EncoderDistillation,
    /// Position decay.
    PositionDecay,
    /// Weight of adding to the cart.
    AddToCart,
    /// Weight of buying.
    Buy,
    /// Repeat bonus of the latest item.
    RepeatLast,
    /// Repeat bonus of other items.
    RepeatSession,
    /// Decay of the latter.
    RepeatDecay,
    /// Growth of the repeat bonus.
    RepeatGrowth,
    /// Popularity term.
    Popularity,
    /// Encoder term.
    Encoder,
    /// Floor of the table beside the encoder.
    Floor,
    /// Popularity in the prior.
    PriorPopularity,
    /// Trend in the prior.
    PriorTrend,
}

impl Key {
    /// All parameters.
    pub const ALL: [Self; 21] = [
        Self::Cooccurrence,
        Self::GapDecay,
        Self::AgeDecay,
        Self::Shrinkage,
        Self::PopularityPower,
        Self::TrendPower,
        Self::WeightPower,
        Self::Distillation,
        Self::EncoderDistillation,
        Self::PositionDecay,
        Self::AddToCart,
        Self::Buy,
        Self::RepeatLast,
        Self::RepeatSession,
        Self::RepeatDecay,
        Self::RepeatGrowth,
        Self::Popularity,
        Self::Encoder,
        Self::Floor,
        Self::PriorPopularity,
        Self::PriorTrend,
    ];

    /// Values that the search tries.
    pub fn grid(self) -> &'static [f64] {
        match self {
            Self::Cooccurrence => &[0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99],
            Self::GapDecay => &[0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
            Self::AgeDecay => &[0.0, 0.25, 0.5, 1.0, 2.0, 4.0],
            Self::Shrinkage => &[0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0],
            Self::PopularityPower => &[-0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2],
            Self::TrendPower => &[0.0, 0.05, 0.1, 0.15, 0.2, 0.3],
            Self::WeightPower => &[0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3],
            Self::Distillation => &[0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5],
            Self::EncoderDistillation => &[0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5],
            Self::PositionDecay => &[0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 16.0, 30.0],
            Self::AddToCart | Self::Buy => &[0.0, 0.3, 0.6, 1.0, 1.5, 2.5, 4.0],
            Self::RepeatLast => &[
                -0.1, -0.03, 0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.2, 2.0, 4.0, 8.0,
            ],
            Self::RepeatSession => &[-0.1, 0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0],
            Self::RepeatDecay => &[0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0, 64.0],
            Self::RepeatGrowth => &[
                0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0,
            ],
            Self::Popularity => &[0.0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1],
            Self::Encoder => &[
                0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3,
            ],
            Self::Floor => &[
                0.0003, 0.001, 0.002, 0.003, 0.006, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6,
            ],
            Self::PriorPopularity => &[-0.4, -0.3, -0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1],
            Self::PriorTrend => &[0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5],
        }
    }

    /// The action that this is the weight of.
    pub fn action(self) -> Option<Action> {
        match self {
            Self::AddToCart => Some(Action::AddToCart),
            Self::Buy => Some(Action::Buy),
            _ => None,
        }
    }

    /// The field.
    pub fn of(self, parameters: &mut TableParameters) -> &mut f64 {
        match self {
            Self::Cooccurrence => &mut parameters.cooccurrence,
            Self::GapDecay => &mut parameters.gap_decay,
            Self::AgeDecay => &mut parameters.age_decay,
            Self::Shrinkage => &mut parameters.shrinkage,
            Self::PopularityPower => &mut parameters.popularity_power,
            Self::TrendPower => &mut parameters.trend_power,
            Self::WeightPower => &mut parameters.weight_power,
            Self::Distillation => &mut parameters.distillation,
            Self::EncoderDistillation => &mut parameters.encoder_distillation,
            Self::PositionDecay => &mut parameters.position_decay,
            Self::AddToCart => &mut parameters.add_to_cart,
            Self::Buy => &mut parameters.buy,
            Self::RepeatLast => &mut parameters.repeat_last,
            Self::RepeatSession => &mut parameters.repeat_session,
            Self::RepeatDecay => &mut parameters.repeat_decay,
            Self::RepeatGrowth => &mut parameters.repeat_growth,
            Self::Popularity => &mut parameters.popularity,
            Self::Encoder => &mut parameters.encoder,
            Self::Floor => &mut parameters.floor,
            Self::PriorPopularity => &mut parameters.prior_popularity,
            Self::PriorTrend => &mut parameters.prior_trend,
        }
    }
}

impl Default for TableParameters {
    /// Values that do well on most shops, and from which the search starts.
    fn default() -> Self {
        Self {
            cooccurrence: 0.8,
            gap_decay: 2.0,
            age_decay: 1.0,
            shrinkage: 1.0,
            popularity_power: -0.1,
            trend_power: 0.0,
            weight_power: 1.0,
            distillation: 0.0,
            encoder_distillation: 0.0,
            position_decay: 2.0,
            add_to_cart: 1.0,
            buy: 1.0,
            repeat_last: 0.2,
            repeat_session: 0.7,
            repeat_decay: 2.0,
            repeat_growth: 0.0,
            popularity: 0.001,
            encoder: 0.0,
            floor: 0.01,
            prior_popularity: 0.0,
            prior_trend: 0.0,
        }
    }
}

impl TableParameters {
    /// What is counted.
    pub fn counting(&self) -> CountParameters {
        CountParameters {
            cooccurrence: self.cooccurrence,
            gap_decay: self.gap_decay,
            age_decay: (self.age_decay > 0.0).then_some(self.age_decay),
        }
    }

    /// The weights of what both teachers say.
    pub fn teaching(&self) -> [f64; 2] {
        [self.distillation, self.encoder_distillation]
    }

    /// How counts become weights.
    pub fn weighing(&self, shape: Shape) -> WeightParameters {
        WeightParameters {
            shrinkage: self.shrinkage,
            popularity_power: self.popularity_power,
            trend_power: self.trend_power,
            weight_power: self.weight_power,
            neighbours: shape.neighbours,
            most_neighbours: shape.most_neighbours,
        }
    }

    /// Weight of the event d before the latest, `[max_session]`.
    pub fn position_table(&self, max_session: usize) -> Vec<f32> {
        (0..max_session)
            .map(|d| (-(d as f64) / self.position_decay).exp() as f32)
            .collect()
    }

    /// Bonus of an item last seen d events before the latest, `[max_session]`.
    pub fn repeat_table(&self, max_session: usize) -> Vec<f32> {
        (0..max_session)
            .map(|d| match d.checked_sub(1) {
                None => self.repeat_last as f32,
                Some(earlier) => {
                    (self.repeat_session * (-(earlier as f64) / self.repeat_decay).exp()) as f32
                }
            })
            .collect()
    }

    /// Weights of the terms.
    pub fn fusion(&self) -> Fusion {
        Fusion {
            encoder: self.encoder as f32,
            neighbours: 1.0,
            repeat: 1.0,
            popularity: self.popularity as f32,
            floor: self.floor as f32,
            repeat_growth: self.repeat_growth as f32,
            prior: 0.0,
        }
    }

    /// What each row has for itself beside the encoder, `[N]`.
    pub fn prior(&self, demand: &Demand) -> Vec<f32> {
        let rows = demand.count.iter().zip(&demand.trend);
        rows.map(|(count, trend)| {
            (self.prior_popularity * count.ln_1p() + self.prior_trend * trend) as f32
        })
        .collect()
    }

    /// Weight of an event by its action.
    pub fn action_weight(&self) -> [f32; Action::COUNT] {
        [1.0, self.add_to_cart as f32, self.buy as f32]
    }
}
