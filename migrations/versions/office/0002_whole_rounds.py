"""Add what whole rounds need: modules, the mark of a simulation, English names of blocs, procedures of units."""

import sqlalchemy as sa
from alembic import op

revision = "office_0002"
down_revision = "office_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The rows that are there get the value that they have had without saying so.
    op.add_column("unit", sa.Column("bloc_name_en", sa.String(200), nullable=False, server_default=""))
    op.add_column("round", sa.Column("modules", sa.Text(), nullable=False, server_default=""))
    op.add_column("round", sa.Column("is_simulated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "procedure",
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("name_vi", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("unit_code", "name_vi", name="pk_procedure"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_procedure_unit_code"),
    )
