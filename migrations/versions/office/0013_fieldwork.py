"""Count the days of a round's fieldwork, and keep how many answers are wanted of each unit."""

import sqlalchemy as sa
from alembic import op

revision = "office_0013"
down_revision = "office_0012"
branch_labels = None
depends_on = None


def _of_round(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name=f"fk_{table}_round_slug")


def _round_and_unit() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "fieldwork_day",
        *_round_and_unit(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        _of_round("fieldwork_day"),
        sa.PrimaryKeyConstraint("round_slug", "unit_code", "day", name="pk_fieldwork_day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fieldwork_target",
        *_round_and_unit(),
        sa.Column("answers", sa.Integer(), nullable=False),
        _of_round("fieldwork_target"),
        sa.PrimaryKeyConstraint("round_slug", "unit_code", name="pk_fieldwork_target"),
    )


def downgrade() -> None:
    for table in ("fieldwork_target", "fieldwork_day"):
        op.drop_table(table)
